export {
  findPostgres,
  type PostgresOptions,
  type PostgresServer,
  startPostgres,
} from '../../scripts/lib/postgresServer.js';
