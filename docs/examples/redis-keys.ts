// The keys of redis-server.ts, and the commands on them. It knows nothing of connections.
// Where it is read for each command, an imported Buffer is faster than the global one.
import { Buffer } from 'node:buffer'
import { RespError, type RespValue } from 'asynchat'

/** The head of a list is at its end. */
type Value = Buffer | Buffer[] | Map<string, Buffer>

interface Entry {
  value: Value
  expiresAt: number
}

/** Who has chosen a database. */
interface Selecting {
  readonly database: Database
}

/** A command as it was sent, its verb first. Who runs it is sure of so many words as the table says. */
export type Words = readonly [verb: Buffer, ...args: [Buffer, Buffer, Buffer, ...Buffer[]]]

/** What it throws as a {@link RespError} is an answer too. */
export type KeyCommand = (client: Selecting, words: Words) => RespValue

const SHORT_LENGTH = 12

const syntaxError = new RespError('ERR syntax error')
const notInteger = new RespError('ERR value is not an integer or out of range')
const mustBePositive = new RespError('ERR value is out of range, must be positive')
const wrongType = new RespError('WRONGTYPE Operation against a key holding the wrong kind of value')

export function wrongArity(name: string): RespError {
  return new RespError(`ERR wrong number of arguments for '${name}' command`)
}

/** Any bytes may be a key: as text with a character for each. */
export function textOf(bytes: Buffer): string {
  if (bytes.length > SHORT_LENGTH) return bytes.toString('latin1')
  // A call of the platform costs more than a word of a command.
  let text = ''
  for (let at = 0; at < bytes.length; at++) text += String.fromCharCode(bytes[at] as number)
  return text
}

export function integer(bytes: Buffer, error: RespError = notInteger): bigint {
  const text = textOf(bytes)
  if (!/^(?:0|-?[1-9]\d{0,18})$/.test(text)) throw error
  return integer64(BigInt(text), error)
}

function integer64(value: bigint, error: RespError): bigint {
  if (BigInt.asIntN(64, value) !== value) throw error
  return value
}

/** What is kept must not keep the chunk that it came in. */
function kept(bytes: Buffer): Buffer {
  return Buffer.from(bytes)
}

/** Keys and values. What has expired is dropped when it is looked for. */
export class Database {
  readonly #entries = new Map<string, Entry>()

  get(key: Buffer): Entry | undefined {
    const entry = this.#entries.get(textOf(key))
    if (entry === undefined || entry.expiresAt === Infinity || entry.expiresAt > Date.now()) return entry
    this.delete(key)
    return undefined
  }

  find<T extends Value>(key: Buffer, Type: abstract new (...args: any[]) => T): T | undefined {
    const value = this.get(key)?.value
    if (value !== undefined && !(value instanceof Type)) throw wrongType
    return value
  }

  findOrMake<T extends Value>(key: Buffer, Type: new () => T): T {
    return this.find(key, Type) ?? this.set(key, new Type())
  }

  set<T extends Value>(key: Buffer, value: T, expiresAt = Infinity): T {
    this.#entries.set(textOf(key), { value, expiresAt })
    return value
  }

  delete(key: Buffer): boolean {
    return this.#entries.delete(textOf(key))
  }
}

/** How many words each has, at least so many where it is negative; and what it does. */
export const KEY_COMMANDS: readonly (readonly [name: string, command: readonly [wordCount: number, run: KeyCommand]])[] = [
  ['GET', [2, ({ database }, [, key]) => database.find(key, Buffer) ?? null]],
  ['SET', [-3, set]],
  ['DEL', [-2, ({ database }, [, ...keys]) => keys.filter((key) => database.get(key) !== undefined && database.delete(key)).length]],
  ['INCR', [2, increment]],
  ['EXPIRE', [3, expire]],
  ['TTL', [2, timeToLive]],
  ['LPUSH', [-3, push]],
  ['LPOP', [-2, pop]],
  ['LRANGE', [4, range]],
  ['HSET', [-4, setFields]],
  ['HGET', [3, ({ database }, [, key, field]) => database.find<Map<string, Buffer>>(key, Map)?.get(textOf(field)) ?? null]],
]

function set({ database }: Selecting, [, key, value, ...options]: Words): RespValue {
  const { expiresAt = Infinity, mustExist } = options.length === 0 ? NO_OPTIONS : readSetOptions(options.values())
  if (mustExist !== undefined && mustExist !== (database.get(key) !== undefined)) return null
  database.set(key, kept(value), expiresAt)
  return 'OK'
}

interface SetOptions {
  expiresAt?: number
  mustExist?: boolean
}

const NO_OPTIONS: SetOptions = {}

function readSetOptions(words: Iterator<Buffer, undefined>): SetOptions {
  const options: SetOptions = {}
  for (let word; (word = words.next().value) !== undefined; ) {
    const option = textOf(word).toUpperCase()
    if (option === 'NX' || option === 'XX') {
      if (options.mustExist === (option === 'NX')) throw syntaxError
      options.mustExist = option === 'XX'
    } else if (option === 'EX' || option === 'PX') {
      const time = words.next().value
      if (time === undefined || options.expiresAt !== undefined) throw syntaxError
      const count = integer(time)
      if (count <= 0n) throw invalidExpiry('set')
      options.expiresAt = timeIn(count * (option === 'EX' ? 1000n : 1n), 'set')
    } else throw syntaxError
  }
  return options
}

function increment({ database }: Selecting, [, key]: Words): RespValue {
  const before = database.find(key, Buffer)
  const value = integer64((before === undefined ? 0n : integer(before)) + 1n, new RespError('ERR increment or decrement would overflow'))
  database.set(key, Buffer.from(String(value)), database.get(key)?.expiresAt)
  return integerReply(value)
}

function expire({ database }: Selecting, [, key, seconds]: Words): RespValue {
  const expiresAt = timeIn(integer(seconds) * 1000n, 'expire')
  const entry = database.get(key)
  if (entry === undefined) return 0
  entry.expiresAt = expiresAt
  return 1
}

/** The time that is so many ms from now. It has to be an integer of 64 bits, too. */
function timeIn(ms: bigint, name: string): number {
  return Number(integer64(ms + BigInt(Date.now()), invalidExpiry(name)))
}

function invalidExpiry(name: string): RespError {
  return new RespError(`ERR invalid expire time in '${name}' command`)
}

function timeToLive({ database }: Selecting, [, key]: Words): RespValue {
  const entry = database.get(key)
  if (entry === undefined) return -2
  return entry.expiresAt === Infinity ? -1 : integerReply(BigInt(Math.round((entry.expiresAt - Date.now()) / 1000)))
}

/** An integer in RESP3 too, where a bigint that a number can hold is a big number. */
function integerReply(value: bigint): number | bigint {
  return Number.isSafeInteger(Number(value)) ? Number(value) : value
}

function push({ database }: Selecting, [, key, ...items]: Words): RespValue {
  const list = database.findOrMake<Buffer[]>(key, Array)
  for (const item of items) list.push(kept(item))
  return list.length
}

function pop({ database }: Selecting, [, key, count]: readonly [Buffer, Buffer, Buffer?, ...Buffer[]]): RespValue {
  const wanted = count === undefined ? 1 : Number(integer(count, mustBePositive))
  if (wanted < 0) throw mustBePositive
  const list = database.find<Buffer[]>(key, Array)
  if (list === undefined) return null
  const items = list.splice(Math.max(0, list.length - wanted)).toReversed()
  if (list.length === 0) database.delete(key)
  return count === undefined ? (items[0] as Buffer) : items
}

/** Both ends are in it; those below 0 count from the tail. */
function range({ database }: Selecting, [, key, from, to]: Words): RespValue {
  const [start, end] = [Number(integer(from)), Number(integer(to))]
  const list = database.find<Buffer[]>(key, Array) ?? []
  const first = Math.max(0, start < 0 ? list.length + start : start)
  const last = Math.min(list.length - 1, end < 0 ? list.length + end : end)
  return first > last ? [] : list.slice(list.length - 1 - last, list.length - first).toReversed()
}

function setFields({ database }: Selecting, [, key, ...pairs]: Words): RespValue {
  if (pairs.length % 2 !== 0) throw wrongArity('hset')
  const hash = database.findOrMake<Map<string, Buffer>>(key, Map)
  const before = hash.size
  for (let index = 0; index < pairs.length; index += 2) hash.set(textOf(pairs[index] as Buffer), kept(pairs[index + 1] as Buffer))
  return hash.size - before
}
