/**
 * What a decoder holds of a message that is longer than memory should be, measured in a process of its own:
 * `node codec-memory.js <story>` prints one line of JSON. No assertions here.
 */

import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { type HttpChunk, RespPiece, RespStreamed, decoder, httpChunked, resp } from '../../src/index.js'
import type { CodecSource } from '../../src/framing/codec.js'

const MIB = 1024 * 1024
const CHUNK_BYTES = 64 * 1024

/** Memory of its own for each chunk: what is kept of it is seen. */
function* content(length: number): Generator<Buffer, void, void> {
  for (let left = length; left > 0; left -= CHUNK_BYTES) yield Buffer.alloc(Math.min(left, CHUNK_BYTES), 'c')
}

function* respWire(length: number): Generator<Buffer, void, void> {
  yield Buffer.from(`*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$${length}\r\n`)
  yield* content(length)
  yield Buffer.from('\r\n+OK\r\n')
}

/** Chunks of the body are cut anywhere by those of the input: half of them are longer, half are shorter. */
function* chunkedWire(length: number): Generator<Buffer, void, void> {
  const sizes = [4 * MIB, 16 * 1024]
  for (let left = length, index = 0; left > 0; index++) {
    const size = Math.min(left, sizes[index % 2] as number)
    yield Buffer.from(`${size.toString(16)}\r\n`)
    yield* content(size)
    yield Buffer.from('\r\n')
    left -= size
  }
  yield Buffer.from('0\r\n\r\n')
}

interface Story<In> {
  readonly codec: CodecSource<In, never>
  readonly wire: () => Iterable<Buffer>
  /** Bytes of the body in a message. */
  readonly lengthOf: (message: In) => number
  /** What it says at last, when the body is over. */
  readonly isEnd: (message: In) => boolean
}

async function tell<In>({ codec, wire, lengthOf, isEnd }: Story<In>): Promise<void> {
  const start = process.memoryUsage.rss()
  let received = 0
  let mostHeld = 0
  let highest = start
  let endCount = 0
  let count = 0
  const messages = decoder(codec)
  await pipeline(Readable.from(wire(), { objectMode: false }), messages, async (source: AsyncIterable<In>) => {
    for await (const message of source) {
      received += lengthOf(message)
      if (isEnd(message)) endCount++
      mostHeld = Math.max(mostHeld, messages.bufferedLength)
      if (count++ % 64 === 0) highest = Math.max(highest, process.memoryUsage.rss())
    }
  })
  console.log(JSON.stringify({ received, endCount, mostHeld, memoryMiB: (highest - start) / MIB }))
}

const stories = {
  resp: () =>
    tell({
      codec: resp({ streamAbove: MIB }),
      wire: () => respWire(500_000_000),
      lengthOf: (message) => (message instanceof RespPiece ? message.bytes.length : 0),
      isEnd: (message) => Array.isArray(message) && message[2] instanceof RespStreamed && message[2].length === 500_000_000,
    }),
  chunked: () =>
    tell<HttpChunk>({
      codec: httpChunked(),
      wire: () => chunkedWire(1_000_000_000),
      lengthOf: (message) => (message.type === 'data' ? message.data.length : 0),
      isEnd: ({ type }) => type !== 'data',
    }),
}

await stories[process.argv[2] as keyof typeof stories]()
