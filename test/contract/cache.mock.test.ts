import { mockSubject } from '../support/cacheSubjects.js';
import { describeCache } from './cache.contract.js';

describeCache('ioredis-mock', mockSubject);
