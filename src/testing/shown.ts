/** Bytes, chunks and messages as they read in an error. */
import { isBytes } from '../framing/bytes.js'

const MAX_TEXT = 72
const MAX_CHUNKS = 24
const MAX_DEPTH = 4
const ESCAPES: Readonly<Record<number, string>> = { 0x09: '\\t', 0x0a: '\\n', 0x0d: '\\r', 0x22: '\\"', 0x5c: '\\\\' }

/** Printable ASCII as it is, other bytes escaped; of many the first and the last. */
export function shownBytes(bytes: Uint8Array): string {
  const half = MAX_TEXT / 2
  if (bytes.length <= MAX_TEXT) return `"${escaped(bytes)}"`
  return `"${escaped(bytes.subarray(0, half))}" ... "${escaped(bytes.subarray(-half))}" (${bytes.length} bytes)`
}

/** `"5:he" + "llo,"` */
export function shownChunks(chunks: readonly Uint8Array[]): string {
  if (chunks.length === 0) return 'none'
  if (chunks.length <= MAX_CHUNKS) return chunks.map(shownBytes).join(' + ')
  const half = MAX_CHUNKS / 2
  const left = chunks.length - 2 * half
  return [...chunks.slice(0, half).map(shownBytes), `(${left} more)`, ...chunks.slice(-half).map(shownBytes)].join(
    ' + ',
  )
}

/** A message, or an error. */
export function shown(value: unknown, depth = 0): string {
  if (typeof value === 'string') return cut(JSON.stringify(value))
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value === 'function') return `function ${value.name}`
  if (typeof value !== 'object' || value === null) return Object.is(value, -0) ? '-0' : String(value)
  if (isBytes(value)) return `bytes ${shownBytes(value)}`
  if (value instanceof Error) return `${shownCode(value)}: ${value.message}`
  return depth === MAX_DEPTH ? '...' : cut(shownObject(value, depth + 1))
}

function shownCode(error: Error): string {
  const { code } = error as { code?: unknown }
  return typeof code === 'string' ? `${error.name} ${code}` : error.name
}

function shownObject(value: object, depth: number): string {
  const each = (item: unknown): string => shown(item, depth)
  if (value instanceof Map)
    return `Map {${Array.from(value, ([key, item]) => `${each(key)} => ${each(item)}`).join(', ')}}`
  if (value instanceof Set) return `Set {${Array.from(value, each).join(', ')}}`
  if (value instanceof Date) return `Date ${Number(value)}`
  if (ArrayBuffer.isView(value)) return `${value.constructor.name} of ${value.byteLength} bytes`
  if (Array.isArray(value)) return `[${value.map(each).join(', ')}]`
  return `{${Reflect.ownKeys(value)
    .map((key) => `${String(key)}: ${each(Reflect.get(value, key))}`)
    .join(', ')}}`
}

function cut(text: string): string {
  return text.length <= 4 * MAX_TEXT ? text : `${text.slice(0, 4 * MAX_TEXT)}...`
}

function escaped(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => {
    if (ESCAPES[byte] !== undefined) return ESCAPES[byte]
    return byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, '0')}`
  }).join('')
}
