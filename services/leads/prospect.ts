/** Somebody who asked a dealership about something, in whatever form that came. Absent means "not said". */

export interface Prospect {
  /** Ids that other systems gave it, the first the most important. */
  readonly ids?: readonly ExternalId[];
  /** `resend`: the other system says that it has sent this before. */
  readonly status?: 'new' | 'resend';
  /** ISO 8601, with the offset that was given. */
  readonly requestedAt?: string;
  readonly vehicles?: readonly ProspectVehicle[];
  readonly contact: ProspectContact;
  readonly timeframe?: {
    readonly description?: string;
    readonly earliest?: string;
    readonly latest?: string;
  };
  readonly comments?: string;
  /** The dealership that it is for, as the source names it; never whose lead it is here. */
  readonly vendor?: { readonly ids?: readonly ExternalId[]; readonly name?: string };
  /** Who sends it. */
  readonly provider?: {
    readonly ids?: readonly ExternalId[];
    readonly name?: string;
    readonly service?: string;
    readonly url?: string;
  };
}

export interface ExternalId {
  readonly value: string;
  readonly source?: string;
}

export const INTERESTS = ['buy', 'lease', 'sell', 'trade-in', 'test-drive'] as const;
export type Interest = (typeof INTERESTS)[number];

export interface ProspectVehicle {
  readonly interest: Interest;
  readonly status?: 'new' | 'used';
  readonly ids?: readonly ExternalId[];
  readonly year?: number;
  readonly make?: string;
  readonly model?: string;
  readonly trim?: string;
  readonly vin?: string;
  readonly stockNumber?: string;
  readonly bodyStyle?: string;
  readonly transmission?: string;
  readonly doors?: string;
  readonly odometer?: { readonly value: number; readonly units?: 'km' | 'mi' };
  readonly condition?: 'excellent' | 'good' | 'fair' | 'poor' | 'unknown';
  readonly colors?: readonly { readonly interior?: string; readonly exterior?: string }[];
  readonly prices?: readonly Price[];
  readonly options?: readonly string[];
  readonly finance?: {
    readonly method?: 'cash' | 'finance' | 'lease';
    readonly amounts?: readonly Amount[];
    readonly balance?: Amount;
  };
  readonly comments?: string;
}

export interface Price {
  readonly value: number;
  readonly type?: string;
  readonly currency?: string;
}

export interface Amount {
  readonly value: number;
  readonly type?: string;
  readonly limit?: string;
  readonly currency?: string;
}

export interface ProspectContact {
  readonly name?: {
    readonly full?: string;
    readonly first?: string;
    readonly middle?: string;
    readonly last?: string;
    readonly suffix?: string;
  };
  readonly email?: string;
  /** As they were written. */
  readonly phones?: readonly ProspectPhone[];
  readonly address?: {
    readonly street?: readonly string[];
    readonly apartment?: string;
    readonly city?: string;
    readonly region?: string;
    readonly postalCode?: string;
    readonly country?: string;
  };
  /** `en`, `fr`, `es`; ADF has no such thing. */
  readonly language?: string;
}

export const PHONE_TYPES = ['cellphone', 'voice', 'fax', 'pager'] as const;

export interface ProspectPhone {
  readonly value: string;
  readonly type: (typeof PHONE_TYPES)[number];
  readonly time?: string;
  readonly isPreferred?: boolean;
}

/** A prospect, and what had to be guessed of it, in words for people. */
export interface ReadProspect {
  readonly prospect: Prospect;
  readonly guessed: readonly string[];
}
