import type { Readable } from 'node:stream'
import { IteratorPuller } from './pull-iterator.js'
import { MorePuller } from './pull-more.js'
import { ReadablePuller } from './pull-readable.js'
import { BlobPuller, WebStreamPuller } from './pull-web-stream.js'
import type { Puller } from './puller.js'
import { type BlobLike, type Produced, type Producer, type Source, type SourceKind, type WebReadable, isChunk, kindOf } from './source.js'

const PULLERS: { readonly [kind in SourceKind]: (source: never) => Puller } = {
  producer: (source: Producer) => new MorePuller(source),
  readable: (source: Readable) => new ReadablePuller(source),
  web: (source: WebReadable) => new WebStreamPuller(source),
  blob: (source: BlobLike) => new BlobPuller(source),
  asyncIterable: (source: object) => new IteratorPuller(source, Symbol.asyncIterator),
  iterable: (source: object) => new IteratorPuller(source, Symbol.iterator),
  function: (more: () => Produced) => new MorePuller({ more: () => more() }),
}

/** The puller for a source that has been checked and is no chunk. Nothing is pulled yet. */
export function openSource(source: object): Puller {
  return PULLERS[kindOf(source) as SourceKind](source as never)
}

/** Tells a source that was checked that nobody will pull it: it was given away, and may hold a file. */
export function releaseSource(source: Source): void {
  if (!isChunk(source)) openSource(source).release()
}

/** The bytes of a source, if it knows them before it is pulled. */
export function knownLength(source: object): number | null {
  return kindOf(source) === 'blob' ? (source as BlobLike).size : null
}
