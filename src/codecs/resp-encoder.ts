/** Writes values of RESP: see resp.ts for the format. */
import { invalidType } from '../errors.js'
import { isBytes } from '../framing/bytes.js'
import { NULL } from '../framing/codec.js'
import { RespAttributed, RespError, type RespMessage, RespPush, type RespValue, RespVerbatim } from './resp-values.js'
import { encodeUtf8, shortAscii } from './text.js'

export interface RespEncoderOptions {
  readonly protocol: 2 | 3
  readonly strings: 'bulk' | 'simple'
  readonly maxDepth: number
}

const MAX_INT64 = 2n ** 63n - 1n
const MIN_INT64 = -(2n ** 63n)
const LINE_END = /[\r\n]/
const FORMAT = /^[^\r\n:]{3}$/

export class RespEncoder {
  readonly #options: RespEncoderOptions
  #chunks: (string | Uint8Array)[] = []
  /** What comes after them. */
  #text = ''
  #depth = 0

  constructor(options: RespEncoderOptions) {
    this.#options = options
  }

  encode(message: RespMessage): string | (string | Uint8Array)[] {
    this.#chunks = []
    this.#text = ''
    this.#depth = 0
    const isAttributedPush = message instanceof RespAttributed && message.value instanceof RespPush
    if (isAttributedPush) this.#attributes(message.attributes)
    const value: unknown = isAttributedPush ? message.value : message
    if (value instanceof RespPush) this.#items('>', this.#onlyIn3(value, value.items))
    else this.#value((value === NULL ? null : value) as RespValue)
    if (this.#chunks.length === 0) return this.#text
    const chunks = this.#chunks
    if (this.#text !== '') chunks.push(this.#text)
    return chunks
  }

  #value(value: RespValue): void {
    if (typeof value === 'string') this.#string(value)
    else if (typeof value === 'number') this.#number(value)
    else if (typeof value === 'bigint') this.#bigint(value)
    else if (typeof value === 'boolean') this.#text += this.#onlyIn3(value, value ? '#t\r\n' : '#f\r\n')
    else this.#object(value)
  }

  #object(value: RespValue): void {
    if (value === null) this.#text += this.#options.protocol === 3 ? '_\r\n' : '$-1\r\n'
    else if (isBytes(value)) this.#bytes(value)
    else if (Array.isArray(value)) this.#items('*', value as readonly RespValue[])
    else if (value instanceof RespError) this.#error(value)
    else this.#objectOf3(value)
  }

  #objectOf3(value: RespValue): void {
    if (value instanceof Map) this.#map('%', this.#onlyIn3(value, value))
    else if (value instanceof Set) this.#items('~', this.#onlyIn3(value, Array.from(value as Set<RespValue>)))
    else if (value instanceof RespVerbatim) this.#verbatim(this.#onlyIn3(value, value))
    else if (value instanceof RespAttributed) this.#attributed(value)
    else throw invalidType('message', 'a value that RESP has', value)
  }

  #string(value: string): void {
    if (this.#options.strings === 'bulk') this.#bulk('$', value)
    else this.#text += `+${oneLine(value)}\r\n`
  }

  #bulk(type: string, value: string): void {
    this.#text += `${type}${utf8Length(value)}\r\n${value}\r\n`
  }

  /** What is short goes out with what is around it: a chunk of its own costs more. */
  #bytes(value: Uint8Array): void {
    const text = shortAscii(value, 0, value.length)
    this.#text += `$${value.length}\r\n`
    if (text === null) this.#chunks.push(this.#text, value)
    this.#text = text === null ? '\r\n' : `${this.#text}${text}\r\n`
  }

  #number(value: number): void {
    const isInteger = Number.isSafeInteger(value) && !Object.is(value, -0)
    this.#text += isInteger ? `:${value}\r\n` : `,${this.#onlyIn3(value, doubleText(value))}\r\n`
  }

  /** What an integer cannot say is a big number; and so is what would be read as a number. */
  #bigint(value: bigint): void {
    const isInt64 = value >= MIN_INT64 && value <= MAX_INT64
    const isInteger = isInt64 && (this.#options.protocol === 2 || !Number.isSafeInteger(Number(value)))
    if (!isInteger) this.#onlyIn3(value, value)
    this.#text += `${isInteger ? ':' : '('}${value}\r\n`
  }

  #error(value: RespError): void {
    const { message } = value
    if (LINE_END.test(message)) this.#bulk('!', this.#onlyIn3(value, message))
    else this.#text += `-${message}\r\n`
  }

  #verbatim({ format, text }: RespVerbatim): void {
    const isFormat = typeof format === 'string' && FORMAT.test(format) && utf8Length(format) === 3
    if (!isFormat) throw invalidType('message.format', 'three bytes', format)
    if (typeof text !== 'string') throw invalidType('message.text', 'a string', text)
    this.#bulk('=', `${format}:${text}`)
  }

  #items(type: string, items: readonly RespValue[]): void {
    this.#enter(items)
    this.#text += `${type}${items.length}\r\n`
    for (const item of items) this.#value(item)
    this.#depth--
  }

  #map(type: string, map: ReadonlyMap<RespValue, RespValue>): void {
    this.#enter(map)
    this.#text += `${type}${map.size}\r\n`
    for (const [key, value] of map) {
      this.#value(key)
      this.#value(value)
    }
    this.#depth--
  }

  #attributed({ attributes, value }: RespAttributed): void {
    if (value instanceof RespAttributed) throw invalidType('message.value', 'a value without attributes of its own', value)
    this.#attributes(attributes)
    this.#value(value as RespValue)
  }

  #attributes(attributes: ReadonlyMap<RespValue, RespValue>): void {
    if (!(attributes instanceof Map)) throw invalidType('message.attributes', 'a Map', attributes)
    this.#map('|', this.#onlyIn3(attributes, attributes))
  }

  /** Also what contains itself ends here. */
  #enter(value: object): void {
    if (++this.#depth > this.#options.maxDepth) throw invalidType('message', `nested at most ${this.#options.maxDepth} deep`, value)
  }

  #onlyIn3<T>(value: unknown, said: T): T {
    if (this.#options.protocol === 2) throw invalidType('message', 'a value that RESP2 has', value)
    return said
  }
}

function oneLine(text: string): string {
  if (LINE_END.test(text)) throw invalidType('message', 'a string without CR or LF: bytes may have them', text)
  return text
}

function doubleText(value: number): string {
  if (Object.is(value, -0)) return '-0'
  if (Number.isFinite(value)) return String(value)
  return Number.isNaN(value) ? 'nan' : value > 0 ? 'inf' : '-inf'
}

const LONG_TEXT = 256

/** Bytes of a text in UTF-8. A half of a surrogate pair counts as U+FFFD, which is sent for it. */
function utf8Length(text: string): number {
  const { length } = text
  if (length > LONG_TEXT) return encodeUtf8(text).length
  for (let index = 0; index < length; index++) if (text.charCodeAt(index) > 0x7f) return encodeUtf8(text).length
  return length
}
