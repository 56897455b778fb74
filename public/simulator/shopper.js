/** Who texts: a made-up shopper. The server keeps it in a session; this browser holds the session's cookie. */
export const isPhone = (value) => /^\+[1-9]\d{6,14}$/.test(value);

/** 555-01xx numbers are never assigned to anybody; the first ten are left to dealerships. */
export const randomPhone = () => `+160455501${String(10 + Math.floor(Math.random() * 90))}`;
