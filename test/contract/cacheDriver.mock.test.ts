import { mockSubject } from '../support/cacheSubjects.js';
import { describeCacheDriver } from './cacheDriver.contract.js';

describeCacheDriver('ioredis-mock', mockSubject, { name: 'redis', leaseScope: 'shared' });
