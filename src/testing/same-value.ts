/** Whether two messages are the same, by what they hold. */
import { isBytes, sameBytes } from '../framing/bytes.js'

/**
 * Bytes are the same whatever class they have (`Buffer`, `Uint8Array`); so are objects, but for Maps, Sets, Dates,
 * arrays and errors. Maps are the same with the same keys in the same order; `0` and `-0` are two numbers.
 */
export function sameValue(left: unknown, right: unknown): boolean {
  return same(left, right, [])
}

type Pairs = readonly (readonly [object, object])[]

function same(left: unknown, right: unknown, above: Pairs): boolean {
  if (Object.is(left, right)) return true
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null) return false
  // A cycle: these two are being compared already, and are the same if nothing else differs.
  if (above.some(([one, other]) => one === left && other === right)) return true
  const kind = kindOf(left)
  return kind === kindOf(right) && sameOfKind(kind, left, right, [...above, [left, right]])
}

type Kind = 'bytes' | 'memory' | 'map' | 'set' | 'date' | 'list' | 'error' | 'object'

function kindOf(value: object): Kind {
  if (isBytes(value)) return 'bytes'
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return 'memory'
  if (value instanceof Map) return 'map'
  if (value instanceof Set) return 'set'
  if (value instanceof Date) return 'date'
  if (value instanceof Error) return 'error'
  return Array.isArray(value) ? 'list' : 'object'
}

// oxlint-disable-next-line consistent-return -- the switch is exhaustive
function sameOfKind(kind: Kind, left: object, right: object, above: Pairs): boolean {
  switch (kind) {
    case 'bytes':
      return sameBytes(left as Uint8Array, right as Uint8Array)
    case 'memory':
      return left.constructor === right.constructor && sameBytes(memoryOf(left), memoryOf(right))
    case 'map':
    case 'set':
      return same([...(left as Set<unknown>)], [...(right as Set<unknown>)], above)
    case 'date':
      return Object.is(Number(left), Number(right))
    case 'error':
      return sameText(left as Error, right as Error) && sameFields(left, right, above)
    case 'list':
    case 'object':
      return sameFields(left, right, above)
  }
}

function sameText(left: Error, right: Error): boolean {
  return left.name === right.name && left.message === right.message
}

function memoryOf(value: object): Uint8Array {
  if (!ArrayBuffer.isView(value)) return new Uint8Array(value as ArrayBuffer)
  return new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
}

function sameFields(left: object, right: object, above: Pairs): boolean {
  const keys = Reflect.ownKeys(left)
  if (keys.length !== Reflect.ownKeys(right).length) return false
  return keys.every(
    (key) =>
      key === 'stack' || (Object.hasOwn(right, key) && same(Reflect.get(left, key), Reflect.get(right, key), above)),
  )
}
