/** What a verification works with: the options, checked, with their defaults. */
import { invalidType, outOfRange } from '../errors.js'
import { checkBoolean, checkCount, checkOptions } from '../framing/checks.js'
import { isBytes } from '../framing/bytes.js'
import type { MessageScannerOptions } from '../framing/message-scanner.js'
import type { Merge } from './drive.js'
import { bytesOf } from './guarded-chunks.js'

/** Bytes that are no message, and what is known of them. */
export interface Malformed<In> {
  readonly bytes: Uint8Array | string
  /** The error's code. @defaultValue the same one at every cut, whichever it is */
  readonly code?: string
  /** Messages before the error. @defaultValue none */
  readonly messages?: readonly In[]
  /** Only the end of input shows that it is malformed. @defaultValue false */
  readonly atEnd?: boolean
}

/** A longer input, made to a size. */
export interface LongSample<In> {
  readonly bytes: Uint8Array | string
  readonly messages: readonly In[]
}

/** What `verifyDecoder` feeds, and what is to come of it. */
export interface VerifyOptions<In, Out = In> {
  /** Input that is right: some messages, different ones. A string is UTF-8. Chunks are of its class: give a `Buffer` to feed `Buffer`s. */
  readonly bytes: Uint8Array | string
  /** Its messages. */
  readonly messages: readonly In[]
  /** Inputs that are wrong, each by itself: refused by their bytes, with one error code, whatever the cut, and nothing delivered. */
  readonly malformed?: readonly (Uint8Array | string | Malformed<In>)[]
  /** Inputs that declare a length and do not bring it: not delivered, and nothing allocated for them. */
  readonly declared?: readonly (Uint8Array | string)[]
  /**
   * Where each message ends, as the number of bytes up to its last; `Infinity`: at the end of input. For input with bytes after the
   * last message, or messages that the end of input ends.
   * @defaultValue as encoding says, where it gives the same bytes, else as the decoder itself says, the last at the end of `bytes`
   */
  readonly ends?: readonly number[]
  /** The message that the end of input makes of the bytes of one that is not whole; undefined: none. */
  readonly cutMessage?: (rest: Uint8Array) => In | undefined
  /** Joins two neighbours, where messages are pieces whose number depends on the cut; undefined: they are apart. When they come is not checked then. */
  readonly merge?: Merge<In>
  /** What is encoded and decoded again, for codecs. @defaultValue `messages` */
  readonly outgoing?: readonly Out[]
  /** What the encoder must refuse. */
  readonly refused?: readonly Out[]
  /** One message of about this many bytes, to measure cost. @defaultValue of the letter a, where messages are strings or bytes and the codec encodes */
  readonly long?: (length: number) => LongSample<In>
  /** Whether `bytes` twice are its messages twice. @defaultValue true */
  readonly repeats?: boolean
  /** Limits of the scanner that runs a codec. */
  readonly limits?: MessageScannerOptions
  /** Random cuts of a long input; fewer for a very long one. @defaultValue 256 */
  readonly randomCuts?: number
  /** Makes the random cuts others. @defaultValue 1 */
  readonly seed?: number
  /** Memory that the decoder may ask for at once, beside 16 bytes for each that it was given. @defaultValue 64 KiB */
  readonly maxAllocation?: number
}

export interface Samples<In, Out> {
  readonly bytes: Uint8Array
  readonly messages: readonly In[]
  readonly malformed: readonly (Malformed<In> & { readonly bytes: Uint8Array; readonly messages: readonly In[] })[]
  readonly declared: readonly Uint8Array[]
  readonly ends: readonly number[] | undefined
  readonly cutMessage: ((rest: Uint8Array) => In | undefined) | undefined
  readonly merge: Merge<In> | undefined
  readonly outgoing: readonly Out[]
  readonly refused: readonly Out[]
  readonly long: ((length: number) => LongSample<In>) | undefined
  readonly repeats: boolean
  readonly randomCuts: number
  readonly seed: number
  readonly maxAllocation: number
}

export function checkSamples<In, Out>(options: VerifyOptions<In, Out>): Samples<In, Out> {
  const {
    messages,
    cutMessage,
    merge,
    ends,
    long,
    repeats = true,
    randomCuts = 256,
    seed = 1,
    maxAllocation = 65_536,
  } = checkOptions('options', options)
  const bytes = inputOf('options.bytes', options.bytes)
  return {
    bytes,
    messages: listOf('options.messages', messages),
    malformed: listOf('options.malformed', options.malformed ?? []).map((one) => malformedOf(one, bytes)),
    declared: listOf('options.declared', options.declared ?? []).map((one) => inputOf('options.declared', one, bytes)),
    ends: ends === undefined ? undefined : checkEnds(listOf('options.ends', ends), messages.length),
    cutMessage,
    merge,
    outgoing: listOf('options.outgoing', options.outgoing ?? (messages as readonly unknown[] as readonly Out[])),
    refused: listOf('options.refused', options.refused ?? []),
    long,
    // What the end of input ends, nothing follows.
    repeats: checkBoolean('options.repeats', repeats) && ends?.at(-1) !== Infinity,
    randomCuts: checkCount('options.randomCuts', randomCuts),
    seed: checkCount('options.seed', seed),
    maxAllocation: checkCount('options.maxAllocation', maxAllocation),
  }
}

function malformedOf<In>(
  given: Uint8Array | string | Malformed<In>,
  like: Uint8Array,
): Samples<In, never>['malformed'][number] {
  const one: Malformed<In> =
    typeof given === 'string' || isBytes(given) ? { bytes: given } : checkOptions('options.malformed', given)
  return { ...one, bytes: inputOf('options.malformed', one.bytes, like), messages: one.messages ?? [] }
}

function inputOf(name: string, given: Uint8Array | string, like?: Uint8Array): Uint8Array {
  if (typeof given !== 'string' && !isBytes(given)) throw invalidType(name, 'a string or a Uint8Array', given)
  return bytesOf(given, like)
}

function listOf<T>(name: string, given: readonly T[]): readonly T[] {
  if (Array.isArray(given)) return given
  throw invalidType(name, 'an array', given)
}

function checkEnds(ends: readonly number[], count: number): readonly number[] {
  const isInOrder = ends.every((end, index) => typeof end === 'number' && end >= (ends[index - 1] ?? 0))
  if (ends.length === count && isInOrder) return ends
  throw outOfRange('options.ends', 'a position for each message, in order', ends)
}
