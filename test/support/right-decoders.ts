/** Decoders that are right, of each kind that there is. */
import { type Codec, FramingError, NULL, expectBytes, parseLength } from '../../src/framing/index.js'
import type { Decoder } from '../../src/testing/index.js'

/** As in the design, whole. */
export const netstring: Codec<Uint8Array> = {
  *decode() {
    const body = yield parseLength(yield { until: ':', maxFrameLength: 7 })
    expectBytes(yield 1, ',')
    return body
  },
  encode: (body) => [`${body.length}:`, body, ','],
}

const decoder = new TextDecoder()

/** Lines by one terminator; what the end of input cuts is an error. */
export const lines: Codec<string> = {
  terminator: '\n',
  parse: (frame) => decoder.decode(frame),
  encode(line) {
    if (line.includes('\n')) throw new TypeError('A line must not hold LF')
    return `${line}\n`
  },
}

/** The same, but the last needs no end. */
export const textLines: Codec<string> = Object.assign({ ...lines }, { tail: 'emit' as const })

/** Values, null among them. */
export const jsonLines: Codec<unknown> = {
  terminator: { until: '\n', maxFrameLength: 64 },
  parse: (frame) => JSON.parse(decoder.decode(frame)) ?? NULL,
  encode: (value) => `${value === NULL ? 'null' : JSON.stringify(value)}\n`,
}

/** Lines, of at most 64 bytes, by no means of this package. An error is final. */
export class HandWrittenLines implements Decoder<string> {
  readonly #lines: string[] = []
  #next = 0
  #parts: Uint8Array[] = []
  #length = 0
  #error: Error | null = null

  write(chunk: Uint8Array): void {
    if (this.#error !== null) return
    let start = 0
    for (let end; (end = chunk.indexOf(10, start)) !== -1; start = end + 1) {
      if (!this.#hold(chunk.subarray(start, end))) return
      this.#lines.push(this.#take())
    }
    this.#hold(chunk.subarray(start))
  }

  read(): string | null {
    const line = this.#lines[this.#next]
    if (line === undefined) {
      if (this.#error !== null) throw this.#error
      return null
    }
    this.#next++
    return line
  }

  end(): void {
    if (this.#length > 0) this.#error ??= new FramingError('ERR_FRAME_INCOMPLETE', 'The last line is cut')
  }

  #hold(part: Uint8Array): boolean {
    this.#parts.push(part)
    this.#length += part.length
    if (this.#length > 64) this.#error = new FramingError('ERR_FRAME_TOO_LONG', 'The line is too long')
    return this.#error === null
  }

  #take(): string {
    const line = new Uint8Array(this.#length)
    let at = 0
    for (const part of this.#parts) {
      line.set(part, at)
      at += part.length
    }
    this.#parts = []
    this.#length = 0
    return decoder.decode(line)
  }
}

/** Those, changed. */
export function linesWith(changes: (inner: Decoder<string>) => Partial<Decoder<string>>): () => Decoder<string> {
  return () => {
    const inner = new HandWrittenLines()
    return { write: (chunk) => inner.write(chunk), read: () => inner.read(), end: () => inner.end(), ...changes(inner) }
  }
}
