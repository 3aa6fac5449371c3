import type { TransformOptions } from 'node:stream'
import { checkOptions, checkTimeout } from '../framing/checks.js'
import type { CodecSource } from '../framing/codec.js'
import { MessageScanner, type MessageScannerOptions } from '../framing/message-scanner.js'
import { DemandTransform } from './demand-transform.js'
import { MessageSupply } from './message-supply.js'
import { transformOptions } from './splitter-options.js'

/** Options of a {@link Decoder}: those of a {@link MessageScanner}, and these. */
export interface DecoderOptions extends MessageScannerOptions, Pick<TransformOptions, 'signal' | 'autoDestroy'> {
  /** Deadline for each message in ms from its first byte, 0 for none; it runs while a consumer waits for the peer. @defaultValue 0 */
  readonly frameTimeout?: number
  /** Bytes written and not consumed from which `write()` gives false. @defaultValue 65536 */
  readonly writableHighWaterMark?: number
}

/** A Transform from bytes to messages, as a codec says: see {@link decoder}, which makes one. */
export class Decoder<In> extends DemandTransform<In> {
  readonly #scanner: MessageScanner<In>

  constructor(codec: CodecSource<In, any>, options: DecoderOptions = {}) {
    const { frameTimeout = 0 } = checkOptions('options', options)
    checkTimeout('options.frameTimeout', frameTimeout)
    const scanner = new MessageScanner<In>(codec, options)
    const supply = new MessageSupply<In>(scanner, (error) => this.destroy(error))
    super({ scanner, supply, frameTimeout, options: transformOptions(options) })
    this.#scanner = scanner
  }

  /** Another codec rules from the first byte after the last message delivered. */
  setCodec(codec: CodecSource<In, any>): void {
    this.#scanner.setCodec(codec)
    this.demand.lookAgain()
  }

  /** Bytes that are in no message delivered. */
  get bufferedLength(): number {
    return this.#scanner.bufferedLength
  }
}

/**
 * A Transform from bytes to messages. **The codec that is set when a consumer takes a message rules the very next
 * byte**, in every way of consuming, as for a `TerminatorSplitter`.
 *
 * Errors: a `FramingError` with the codec, the number of messages before it and its offset, through `'error'`.
 *
 * @example
 * ```ts
 * import { decoder, netstring } from 'asynchat'
 *
 * const messages = decoder(netstring())
 * messages.end('5:hello,3:you,')
 * for await (const message of messages) console.log(String(message))
 * ```
 * ```text
 * hello
 * you
 * ```
 */
export function decoder<In>(codec: CodecSource<In, any>, options: DecoderOptions = {}): Decoder<In> {
  return new Decoder(codec, options)
}
