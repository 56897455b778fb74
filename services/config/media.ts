/** Where pictures and files of shoppers are kept: below DATA_DIR, or in a bucket when one is named. */

export interface MediaConfig {
  /** Undefined: below DATA_DIR. */
  readonly s3:
    | {
        /** Without a trailing slash. */
        readonly endpoint: string;
        readonly bucket: string;
        readonly region: string;
        readonly accessKeyId: string;
        readonly secretAccessKey: string;
      }
    | undefined;
}

export interface MediaEnvironment {
  readonly MEDIA_S3_ENDPOINT?: string | undefined;
  readonly MEDIA_S3_BUCKET?: string | undefined;
  readonly MEDIA_S3_REGION: string;
  readonly MEDIA_S3_ACCESS_KEY_ID?: string | undefined;
  readonly MEDIA_S3_SECRET_ACCESS_KEY?: string | undefined;
}

const NEEDED = [
  'MEDIA_S3_ENDPOINT',
  'MEDIA_S3_BUCKET',
  'MEDIA_S3_ACCESS_KEY_ID',
  'MEDIA_S3_SECRET_ACCESS_KEY',
] as const;

/** @param given variables as they were set. */
export function mediaContradictions(
  given: Readonly<Record<string, string | undefined>>,
): { readonly pointer: string; readonly detail: string }[] {
  if (NEEDED.every((name) => given[name] === undefined)) return [];
  return NEEDED.filter((name) => given[name] === undefined).map((pointer) => ({
    pointer,
    detail: 'is needed with the other settings of the bucket',
  }));
}

export function toMediaConfig(env: MediaEnvironment): MediaConfig {
  const { MEDIA_S3_ENDPOINT, MEDIA_S3_BUCKET, MEDIA_S3_ACCESS_KEY_ID, MEDIA_S3_SECRET_ACCESS_KEY } = env;
  if (!MEDIA_S3_ENDPOINT || !MEDIA_S3_BUCKET || !MEDIA_S3_ACCESS_KEY_ID || !MEDIA_S3_SECRET_ACCESS_KEY) {
    return { s3: undefined };
  }
  return {
    s3: {
      endpoint: MEDIA_S3_ENDPOINT.replace(/\/+$/, ''),
      bucket: MEDIA_S3_BUCKET,
      region: env.MEDIA_S3_REGION,
      accessKeyId: MEDIA_S3_ACCESS_KEY_ID,
      secretAccessKey: MEDIA_S3_SECRET_ACCESS_KEY,
    },
  };
}
