// The output queue: how fast do chunks, small and large, come out of it beside Readable.from?
import { Readable } from 'node:stream'
import { ProducerReadable } from '../../../dist/index.js'
import { keep } from '../feed.mjs'
import { CHUNK_BYTES } from '../inputs.mjs'
import { collectGarbage } from '../race.mjs'
import { printTable, times } from '../report.mjs'

const ROUNDS = 9
const WARMUPS = 2
const SIZES = [
  { name: '32 bytes', chunkBytes: 32, mib: 3 },
  { name: '1 KiB', chunkBytes: 1024, mib: 32 },
  { name: '64 KiB', chunkBytes: CHUNK_BYTES, mib: 512 },
]

function* views(block, count) {
  for (let i = 0; i < count; i += 1) yield block
}

async function* asyncViews(block, count) {
  for (let i = 0; i < count; i += 1) yield block
}

/** A queue that is about to end. */
function queueOf(fill) {
  const queue = new ProducerReadable()
  fill(queue)
  queue.closeWhenDone()
  return queue
}

const FROM = 'Readable.from, generator'
const FROM_ASYNC = 'Readable.from, async generator'

/** Each makes a stream of `count` times `block`. */
const CONTENDERS = [
  { name: FROM, make: (block, count) => Readable.from(views(block, count), { objectMode: false, highWaterMark: CHUNK_BYTES }) },
  { name: FROM_ASYNC, make: (block, count) => Readable.from(asyncViews(block, count), { objectMode: false, highWaterMark: CHUNK_BYTES }) },
  { name: 'ProducerReadable, generator', against: FROM, make: (block, count) => queueOf((queue) => queue.enqueue(views(block, count))) },
  { name: 'ProducerReadable, async generator', against: FROM_ASYNC, make: (block, count) => queueOf((queue) => queue.enqueue(asyncViews(block, count))) },
  {
    name: 'ProducerReadable, producer',
    against: FROM,
    make: (block, count) => queueOf((queue) => {
      let left = count
      queue.enqueue({ more: () => (left-- > 0 ? block : null) })
    }),
  },
  {
    name: 'ProducerReadable, a source each',
    make: (block, count) => queueOf((queue) => { for (let i = 0; i < count; i += 1) queue.enqueue(block) }),
  },
]

function runOnce({ make }, block, count) {
  collectGarbage()
  const start = performance.now()
  const stream = keep(make(block, count))
  let length = 0
  return new Promise((resolve, reject) => {
    stream.on('data', (chunk) => { length += chunk.length })
    stream.on('end', () => resolve({ ms: performance.now() - start, isWrong: length !== count * block.length }))
    stream.on('error', reject)
  })
}

async function measureSize({ name, chunkBytes, mib }, options, all) {
  const count = Math.ceil(options.bytes(mib) / chunkBytes)
  const block = Buffer.alloc(chunkBytes, 'p')
  const rounds = options.rounds(ROUNDS)
  const warmups = options.warmups(WARMUPS)
  const entries = CONTENDERS.map((contender) => ({ contender, best: Infinity, isWrong: false }))
  for (let round = -warmups; round < rounds; round += 1) {
    for (let i = 0; i < entries.length; i += 1) {
      const entry = entries[(i + round + warmups) % entries.length]
      const { ms, isWrong } = await runOnce(entry.contender, block, count)
      entry.isWrong ||= isWrong
      if (round >= 0) entry.best = Math.min(entry.best, ms)
    }
  }
  const bestOf = (wanted) => entries.find(({ contender }) => contender.name === wanted)?.best ?? Number.NaN
  console.log(`\nproducers: ${count} chunks of ${name}`)
  printTable([
    ['contender', 'best ms', 'MB/s', 'ns/chunk', 'x Readable.from'],
    ...entries.map(({ contender, best, isWrong }) => [
      `${contender.name}${isWrong ? ' WRONG' : ''}`,
      best.toFixed(2),
      ((count * chunkBytes) / 1000 / best).toFixed(0),
      ((best * 1e6) / count).toFixed(0),
      times(bestOf(contender.against ?? FROM) / best),
    ]),
  ])
  all.checked += entries.length
  all.wrong += entries.filter(({ isWrong }) => isWrong).length
}

async function measure(options) {
  const all = { checked: 0, wrong: 0, floors: [] }
  for (const size of SIZES) await measureSize(size, options, all)
  return all
}

export const producers = { name: 'producers', measure }
