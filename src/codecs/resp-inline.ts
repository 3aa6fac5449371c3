/**
 * Inline commands of Redis: what a person types into telnet.
 *
 *     command = *SP [ argument *( 1*SP argument ) ] *SP
 *     argument = 1*( plain / quoted / literal )    the last part of it is a quoted one, if it has any
 *     quoted   = DQUOTE *( char / "\n" / "\r" / "\t" / "\b" / "\a" / "\x" 2HEXDIG / "\" char ) DQUOTE
 *     literal  = "'" *( char / "\'" ) "'"
 *
 * Specification: redis.io, "Redis serialization protocol specification", "Inline commands"; quoting as `sdssplitargs`.
 */
import { malformedBytes } from '../errors.js'
import { classOf } from '../framing/bytes.js'

const BACKSLASH = 0x5c
const QUOTE = 0x22
const APOSTROPHE = 0x27
const LETTER_X = 0x78
const ESCAPES = new Map([...'n\nr\rt\tb\ba\x07'.matchAll(/(.)([^])/g)].map(([, letter, meant]) => [letter?.charCodeAt(0), meant?.charCodeAt(0) as number]))

/** The arguments in a line, each of the line's class. */
export function inlineArguments(line: Uint8Array): Uint8Array[] {
  const found: Uint8Array[] = []
  const Bytes = classOf(line)
  let at = 0
  for (;;) {
    while (isSpace(line[at])) at++
    if (at >= line.length) return found
    const bytes: number[] = []
    at = readArgument(line, at, bytes)
    const argument = new Bytes(bytes.length)
    argument.set(bytes)
    found.push(argument)
  }
}

/** Where the argument ends. */
function readArgument(line: Uint8Array, from: number, bytes: number[]): number {
  let at = from
  while (at < line.length && !isSpace(line[at])) {
    const byte = line[at] as number
    if (byte === QUOTE || byte === APOSTROPHE) return readQuoted(line, at + 1, byte, bytes)
    bytes.push(byte)
    at++
  }
  return at
}

function readQuoted(line: Uint8Array, from: number, quote: number, bytes: number[]): number {
  let at = from
  while (at < line.length && line[at] !== quote) {
    if (line[at] !== BACKSLASH) bytes.push(line[at++] as number)
    else at = quote === QUOTE ? readEscape(line, at, bytes) : readLiteralEscape(line, at, bytes)
  }
  const isClosed = at < line.length && (at + 1 === line.length || isSpace(line[at + 1]))
  if (!isClosed) throw malformedBytes('balanced quotes in an inline command', line)
  return at + 1
}

function readEscape(line: Uint8Array, at: number, bytes: number[]): number {
  const next = line[at + 1]
  const hex = next === LETTER_X ? /^[0-9a-f]{2}$/i.exec(String.fromCharCode(...line.subarray(at + 2, at + 4))) : null
  if (hex !== null) {
    bytes.push(Number.parseInt(hex[0], 16))
    return at + 4
  }
  // At the end of the line: the quotes are not balanced, which is seen next.
  if (next !== undefined) bytes.push(ESCAPES.get(next) ?? next)
  return at + 2
}

function readLiteralEscape(line: Uint8Array, at: number, bytes: number[]): number {
  const isQuote = line[at + 1] === APOSTROPHE
  bytes.push(isQuote ? APOSTROPHE : BACKSLASH)
  return at + (isQuote ? 2 : 1)
}

/** As C's isspace. */
function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || (byte !== undefined && byte >= 0x09 && byte <= 0x0d)
}
