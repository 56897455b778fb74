import type { CacheMode, Recommendation } from './types.js';

export const MODE_CODES = ['cache_degraded', 'cache_unavailable'] as const;

/** What the mode itself is worth saying; nothing where the Map is the chosen store. */
export function modeFinding(
  mode: CacheMode,
  reason: string | null,
  hasRedis: boolean,
): (Recommendation & { readonly code: (typeof MODE_CODES)[number] }) | undefined {
  if (!hasRedis || mode === 'redis') return undefined;
  if (mode === 'memory') {
    return {
      code: 'cache_degraded',
      severity: 'warning',
      message: `State is served from the memory of this process: ${reason ?? 'Redis is away'}.`,
      action:
        reason === 'forced'
          ? 'POST /api/admin/cache/fallback {"forced":false} when the reason for it is gone.'
          : 'Bring Redis back; Jack notices by itself and hands back what it took in.',
    };
  }
  return {
    code: 'cache_unavailable',
    severity: 'critical',
    message: `Redis is away (${reason ?? 'no reason known'}) and REDIS_FALLBACK_ENABLED is false: calls fail.`,
    action: 'Bring Redis back, or start with REDIS_FALLBACK_ENABLED=true.',
  };
}
