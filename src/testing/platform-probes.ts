/** The platform's functions that work on bytes and strings, and how much work a call of each is. */

type Size = (self: unknown, args: readonly unknown[], result: unknown) => number

export interface Probe {
  readonly holder: object | undefined
  readonly names: readonly PropertyKey[]
  /** Work done by a call. */
  readonly work: Size
  /** Bytes that it is about to allocate. */
  readonly claim?: (args: readonly unknown[], self: unknown) => number
}

/** Length of a string, of bytes, of a list. */
export function lengthOf(value: unknown): number {
  if (typeof value === 'string') return value.length
  const { length, byteLength } = Object(value) as { length?: unknown; byteLength?: unknown }
  return typeof length === 'number' ? length : typeof byteLength === 'number' ? byteLength : 0
}

const whole: Size = (self) => lengthOf(self)
const ofResult: Size = (_self, _args, result) => lengthOf(result)
const ofArgument: Size = (_self, [argument]) => lengthOf(argument)
const one: Size = () => 1
const nothing: Size = () => 0

/** From where it began to where it found something, or to the end. */
const found: Size = (self, [sought, from], result) => {
  const length = lengthOf(self)
  const start = typeof from === 'number' ? Math.min(length, Math.max(0, from < 0 ? from + length : from)) : 0
  // It does not say where.
  if (result === true) return 1
  return typeof result === 'number' && result >= 0 ? result - start + Math.max(1, lengthOf(sought)) : length - start
}

/** Of a string with start and end as its second and third argument, or its first and second. */
const range =
  (first: number): Size =>
  (self, args) => {
    const length = lengthOf(self)
    const bound = (value: unknown, otherwise: number): number =>
      typeof value === 'number' ? Math.min(length, Math.max(0, value < 0 ? value + length : value)) : otherwise
    return Math.max(0, bound(args[first + 1], length) - bound(args[first], 0))
  }

/** A regular expression that found something says how far it came; one that did not, may have looked everywhere. */
const matched: Size = (self, [text], result) => {
  const { isSticky, searched } =
    self instanceof RegExp ? { isSticky: self.sticky, searched: text } : { isSticky: false, searched: self }
  if (result === true || isSticky) return 1
  if (typeof result === 'number' && result >= 0) return result + 1
  if (typeof result !== 'object' || result === null) return lengthOf(searched)
  const { index, 0: match } = result as { index?: number; 0: string }
  // All matches were asked for.
  if (index === undefined) return lengthOf(searched)
  return (self instanceof RegExp && self.global ? 0 : index) + match.length + 1
}

const trimmed: Size = (self, _args, result) => lengthOf(self) - lengthOf(result) + 1

const givenLength = ([length]: readonly unknown[]): number => Number(length)
const joinedLength = ([list, total]: readonly unknown[]): number =>
  typeof total === 'number'
    ? total
    : (list as readonly unknown[]).reduce<number>((sum, part) => sum + lengthOf(part), 0)

const SEARCHES = ['indexOf', 'includes']
const WALKS = [
  'every',
  'some',
  'find',
  'findIndex',
  'findLast',
  'findLastIndex',
  'forEach',
  'reduce',
  'reduceRight',
  'join',
  'lastIndexOf',
  'reverse',
  'sort',
  'map',
  'filter',
  'toReversed',
  'toSorted',
  'with',
]

/** Looked up anew: there may be no Buffer, and it may be another one. */
export function platformProbes(): readonly Probe[] {
  const { Buffer, TextDecoder } = globalThis as { Buffer?: { prototype: object }; TextDecoder?: { prototype: object } }
  const typed = Object.getPrototypeOf(Uint8Array.prototype) as object
  return [
    { holder: typed, names: SEARCHES, work: found },
    {
      holder: typed,
      names: [...WALKS, 'values', Symbol.iterator, 'entries', 'toString', 'toLocaleString'],
      work: whole,
    },
    { holder: typed, names: ['set'], work: ofArgument },
    { holder: typed, names: ['slice'], work: ofResult },
    { holder: typed, names: ['fill', 'copyWithin'], work: range(1) },
    { holder: Object.getPrototypeOf(Uint8Array) as object, names: ['from', 'of'], work: ofResult },
    { holder: ArrayBuffer.prototype, names: ['slice', 'transfer', 'transferToFixedLength', 'resize'], work: whole },
    { holder: Buffer, names: ['alloc', 'allocUnsafe', 'allocUnsafeSlow'], work: nothing, claim: givenLength },
    { holder: Buffer, names: ['concat'], work: nothing, claim: joinedLength },
    {
      holder: Buffer,
      names: ['from', 'copyBytesFrom'],
      work: (_self, [source], result) => (source instanceof ArrayBuffer ? 0 : lengthOf(result)),
    },
    { holder: Buffer, names: ['compare', 'byteLength'], work: ofArgument },
    { holder: Buffer?.prototype, names: SEARCHES, work: found },
    { holder: Buffer?.prototype, names: ['toString'], work: range(1) },
    {
      holder: Buffer?.prototype,
      names: ['utf8Slice', 'latin1Slice', 'asciiSlice', 'hexSlice', 'base64Slice', 'ucs2Slice'],
      work: range(0),
    },
    { holder: Buffer?.prototype, names: ['copy'], work: (_self, _args, result) => Number(result) },
    { holder: Buffer?.prototype, names: ['equals', 'compare', 'lastIndexOf', 'toJSON'], work: whole },
    { holder: TextDecoder?.prototype, names: ['decode'], work: ofArgument },
    { holder: String.prototype, names: SEARCHES, work: found },
    {
      holder: String.prototype,
      names: [
        'lastIndexOf',
        'matchAll',
        'replace',
        'replaceAll',
        'split',
        'toLowerCase',
        'toUpperCase',
        Symbol.iterator,
      ],
      work: whole,
    },
    { holder: String.prototype, names: ['search', 'match'], work: matched },
    { holder: String.prototype, names: ['trim', 'trimEnd', 'trimStart'], work: trimmed },
    { holder: String.prototype, names: ['charCodeAt', 'codePointAt', 'charAt', 'at'], work: one },
    {
      holder: String.prototype,
      names: ['repeat'],
      work: nothing,
      claim: ([count], self) => Number(count) * lengthOf(self),
    },
    { holder: String.prototype, names: ['padStart', 'padEnd'], work: nothing, claim: givenLength },
    { holder: RegExp.prototype, names: ['exec', 'test'], work: matched },
    { holder: JSON, names: ['parse'], work: ofArgument },
    { holder: Array.prototype, names: SEARCHES, work: found },
    { holder: Array.prototype, names: WALKS, work: whole },
    { holder: Array.prototype, names: ['concat', 'slice'], work: ofResult },
  ]
}
