import { invalidType } from '../errors.js'
import { Automaton } from './automaton.js'
import { copyOf, isBytes } from './bytes.js'

/** A string (its UTF-8 bytes) or bytes that end a frame. */
export type Delimiter = string | Uint8Array

/** How many delimiters of a set are searched with the engine's native search; larger sets go through the automaton. */
const MAX_NATIVE_ANCHORS = 16

const NONE: number[] = []

const encoder = new TextEncoder()

/** One or several delimiters, checked and ready to search for. Never changes: shared by all that use it. */
export class DelimiterSet {
  readonly delimiters: readonly Uint8Array[]
  /** The distinct last bytes: where one is found, a delimiter may end. Empty when there are too many to be worth it. */
  readonly anchors: readonly number[]
  /** For each byte the delimiters that end in it, as indexes, the longest first. */
  readonly endingIn: readonly (readonly number[])[]
  readonly lengths: readonly number[]
  readonly maxLength: number
  #automaton: Automaton | undefined

  constructor(delimiters: readonly Uint8Array[]) {
    this.delimiters = delimiters
    const lengths = delimiters.map((delimiter) => delimiter.length)
    const endingIn: number[][] = Array.from({ length: 256 }, () => NONE)
    for (const [index, delimiter] of delimiters.entries()) {
      const last = delimiter.at(-1) as number
      endingIn[last] = [...(endingIn[last] as number[]), index]
    }
    const anchors = [...new Set(delimiters.map((delimiter) => delimiter.at(-1) as number))]
    for (const byte of anchors) endingIn[byte]?.sort((a, b) => (lengths[b] as number) - (lengths[a] as number) || a - b)
    this.lengths = lengths
    this.maxLength = Math.max(...lengths)
    this.endingIn = endingIn
    this.anchors = anchors.length > MAX_NATIVE_ANCHORS ? [] : anchors
  }

  get automaton(): Automaton {
    return (this.#automaton ??= new Automaton(this.delimiters))
  }
}

/** Checks and copies what was given as a delimiter or as an array of them. Throws a `TypeError` that names it. */
export function delimiterSet(name: string, given: Delimiter | readonly Delimiter[]): DelimiterSet {
  if (!Array.isArray(given)) return new DelimiterSet([delimiterBytes(name, given)])
  if (given.length === 0) throw invalidType(name, 'an array of at least one delimiter', given)
  const delimiters = given.map((delimiter, index) => delimiterBytes(`${name}[${index}]`, delimiter))
  const set = new DelimiterSet(delimiters)
  if (delimiters.length > 1) refuseHidden(name, given, set)
  return set
}

function delimiterBytes(name: string, given: unknown): Uint8Array {
  const bytes = typeof given === 'string' ? encoder.encode(given) : given
  if (!isBytes(bytes)) throw invalidType(name, 'a string or Uint8Array', given)
  if (bytes.length === 0) throw invalidType(name, 'a delimiter of at least one byte', given)
  return bytes === given ? copyOf(bytes) : bytes
}

/** `['BC', 'ABCD']`: `BC` always ends the frame before `ABCD` can. Such a set says something its author did not mean. */
function refuseHidden(name: string, given: readonly Delimiter[], set: DelimiterSet): void {
  const { automaton } = set
  for (const [index, delimiter] of set.delimiters.entries()) {
    let node = 0
    for (const byte of delimiter.subarray(0, -1)) {
      node = automaton.step(node, byte)
      const hiding = automaton.match[node] as number
      if (hiding === -1) continue
      throw invalidType(
        `${name}[${index}]`,
        `a delimiter that can match: ${inWords(given[hiding] as Delimiter)} ends inside it`,
        inWords(given[index] as Delimiter),
      )
    }
  }
}

function inWords(delimiter: Delimiter): string {
  return typeof delimiter === 'string' ? delimiter : `bytes ${Array.from(delimiter).join(' ')}`
}
