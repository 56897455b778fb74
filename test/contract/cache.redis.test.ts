import { realSubject } from '../support/cacheSubjects.js';
import { describeWithRedis } from '../support/services.js';
import { describeCache } from './cache.contract.js';

describeWithRedis('On a real Redis', () => describeCache('a real Redis', realSubject));
