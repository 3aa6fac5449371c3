/**
 * What can be enqueued, and how it is told apart: by what it can do, never by its class. A stream may be of Node's
 * classes or of readable-stream's, bytes and Blobs may come from another realm.
 */
import { Buffer } from 'node:buffer'
import { types } from 'node:util'
import { invalidType } from '../errors.js'

/** A piece of output: a string (sent as UTF-8) or bytes. Of a view, whatever its type, its bytes count. */
export type Chunk = string | ArrayBufferView | ArrayBuffer

/** What a {@link Producer} answers: a chunk, another producer, or that it is exhausted (null, undefined, an empty chunk). */
export type Produced = Chunk | Producer | null | undefined

/**
 * Makes output when it is asked for it.
 *
 * `more()` is called when there is room for its answer. A chunk goes out; another producer is drained first, then
 * this one goes on; null, undefined or an empty chunk: exhausted, and not called again. A promise means "nothing
 * yet". asynchat: a producer.
 */
export interface Producer {
  more(): Produced | PromiseLike<Produced>
  /** Called at most once, and only when the producer will not be drained: free what it holds. Its outcome is ignored. */
  return?(): unknown
}

/** As much of a web `ReadableStream` as is needed; the platform's, the DOM's and others' are all one. */
export interface WebReadable {
  readonly locked: boolean
  getReader(): {
    read(): Promise<{ done: boolean; value?: unknown }>
    cancel(reason?: unknown): Promise<void>
    releaseLock(): void
  }
  cancel(reason?: unknown): Promise<void>
}

/** As much of a `Blob` as is needed. */
export interface BlobLike {
  readonly size: number
  stream(): WebReadable
  arrayBuffer(): Promise<ArrayBuffer>
}

/**
 * What can be enqueued: a string, bytes, a {@link Producer}, a Node Readable, a web `ReadableStream`, a `Blob`, an async
 * iterable, an iterable, or a function that is called as a producer's `more()`. What fits twice is the first of these.
 */
export type Source =
  | Chunk
  | Producer
  | NodeJS.ReadableStream
  | WebReadable
  | BlobLike
  | AsyncIterable<Chunk | Producer>
  | Iterable<Chunk | Producer>
  | (() => Produced | PromiseLike<Produced>)

/** The kinds of source that are pulled, in the order in which they are recognised. */
export type SourceKind = 'producer' | 'readable' | 'web' | 'blob' | 'asyncIterable' | 'iterable' | 'function'

export const CHUNK_WANTED = 'a string, an ArrayBufferView or an ArrayBuffer'
const SOURCE_WANTED =
  'a string, an ArrayBufferView, an ArrayBuffer, a producer, a Readable, a ReadableStream, a Blob, an (async) iterable or a function'

type Keys = { readonly [key in string | symbol]?: unknown }

const has = (value: Keys, ...names: readonly (string | symbol)[]): boolean =>
  names.every((name) => typeof value[name] === 'function')

/** Each kind with what tells it. */
const KINDS: readonly (readonly [SourceKind, (value: Keys) => boolean])[] = [
  ['producer', (value) => has(value, 'more')],
  ['readable', (value) => has(value, 'read', 'on', 'pipe')],
  ['web', (value) => has(value, 'getReader', 'cancel')],
  ['blob', (value) => has(value, 'stream', 'arrayBuffer') && typeof value['size'] === 'number'],
  ['asyncIterable', (value) => has(value, Symbol.asyncIterator)],
  ['iterable', (value) => has(value, Symbol.iterator)],
  ['function', (value) => typeof value === 'function'],
]

export function isChunk(value: unknown): value is Chunk {
  return typeof value === 'string' || ArrayBuffer.isView(value) || types.isAnyArrayBuffer(value)
}

/** The bytes of a chunk, in the same memory unless it is a string. */
export function toBuffer(chunk: Chunk): Buffer {
  if (typeof chunk === 'string') return Buffer.from(chunk)
  if (Buffer.isBuffer(chunk)) return chunk
  if (ArrayBuffer.isView(chunk)) return Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
  return Buffer.from(chunk)
}

/** Is it a producer? Only that is asked: whether it is falsy or has a length says nothing about it. */
export function isProducer(value: unknown): value is Producer {
  return isObject(value) && typeof value['more'] === 'function'
}

export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return isObject(value) && typeof value['then'] === 'function'
}

/** What kind of source it is that is no chunk; null: none. */
export function kindOf(value: unknown): SourceKind | null {
  if (!isObject(value)) return null
  return KINDS.find(([, isKind]) => isKind(value))?.[0] ?? null
}

/**
 * Throws the `TypeError` for what is no {@link Source}, or one that nothing can be had from any more: a Readable that
 * is destroyed, a ReadableStream that is locked. Does nothing else.
 */
export function checkSource(name: string, value: unknown): asserts value is Source {
  if (isChunk(value)) return
  const kind = kindOf(value)
  if (kind === null) throw invalidType(name, SOURCE_WANTED, value)
  if (kind === 'readable' && (value as Keys)['destroyed'] === true) {
    throw invalidType(name, 'a Readable that is not destroyed', value)
  }
  if (kind === 'web' && (value as Keys)['locked'] === true) {
    throw invalidType(name, 'a ReadableStream that is not locked', value)
  }
}

function isObject(value: unknown): value is Keys {
  return typeof value === 'function' || (typeof value === 'object' && value !== null)
}
