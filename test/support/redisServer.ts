export {
  findRedisServer,
  type RedisOptions,
  type RedisServer,
  startRedis,
} from '../../scripts/lib/redisServer.js';
