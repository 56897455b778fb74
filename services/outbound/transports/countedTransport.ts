import type { OutboundText, SendResult, Transport } from './types.js';

/** The same carrier, with what it said told to somebody who counts. */
export const countedTransport = (
  transport: Transport,
  onSent: (text: OutboundText, result: SendResult) => void,
): Transport => ({
  name: transport.name,
  send: async (text, signal) => {
    const result = await transport.send(text, signal);
    onSent(text, result);
    return result;
  },
  find: (text, options) => transport.find(text, options),
  ...(transport.read ? { read: transport.read.bind(transport) } : {}),
  ...(transport.list ? { list: transport.list.bind(transport) } : {}),
  start: async () => await transport.start?.(),
  stop: async () => await transport.stop?.(),
});
