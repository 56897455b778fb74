import type { RequestHandler } from 'express';
import helmet from 'helmet';

/** Pages load and run nothing that is not from here. Pages with other needs set a policy of their own. */
export const securityHeaders = ({ publicUrl }: { readonly publicUrl: string | undefined }): RequestHandler =>
  helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'"],
        imgSrc: ["'self'"],
        connectSrc: ["'self'"],
        baseUri: ["'none'"],
        formAction: ["'none'"],
        frameAncestors: ["'none'"],
      },
    },
    // A browser that once saw this header on plain http://localhost would refuse it from then on.
    strictTransportSecurity: publicUrl?.startsWith('https:') ? { maxAge: 31_536_000 } : false,
  });
