/** Who texts: a made-up shopper, kept in this browser. */
const STORED = 'jack.simulator';

export const isPhone = (value) => /^\+[1-9]\d{6,14}$/.test(value);

/** 555-01xx numbers are never assigned to anybody; the first ten are left to dealerships. */
export const randomPhone = () => `+160455501${String(10 + Math.floor(Math.random() * 90))}`;

/** @returns {{organizationId?: string, phone?: string}} */
export function recall() {
  try {
    const { organizationId, phone } = JSON.parse(localStorage.getItem(STORED) ?? '{}');
    return { organizationId, phone: isPhone(phone) ? phone : undefined };
  } catch {
    // Storage may be closed to this page or hold something else: then this is a new shopper.
    return {};
  }
}

export function remember(shopper) {
  try {
    localStorage.setItem(STORED, JSON.stringify(shopper));
  } catch {
    // Without storage the page works, and forgets at the next load.
  }
}
