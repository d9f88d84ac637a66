/** What browsers have and Debian's TypeScript does not know yet. */
declare class CompressionStream {
  constructor(format: "deflate-raw");
  readable: ReadableStream<Uint8Array>;
  writable: WritableStream<Uint8Array>;
}
