import { deepEqual, equal } from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { ByteQueue } from '../../src/framing/byte-queue.js'

type Operation = 'appendReference' | 'appendCopy' | 'append' | 'appendCompact' | 'shift' | 'takeChunks' | 'copyTo' | 'drop' | 'clear'

const APPENDS = ['appendReference', 'appendCopy', 'append', 'appendCompact'] as const
const operations = fc.array(
  fc.tuple(
    fc.oneof(
      { weight: 3, arbitrary: fc.constantFrom<Operation>(...APPENDS) },
      { weight: 2, arbitrary: fc.constantFrom<Operation>('shift', 'takeChunks', 'copyTo', 'drop', 'clear') },
    ),
    fc.oneof(fc.nat(20), fc.nat(1200), fc.nat(9000)),
  ),
  { maxLength: 40 },
)

/** What was handed out, and what it was then: nothing may write to it later. */
class HandedOut {
  readonly #list: [bytes: Uint8Array, copy: Uint8Array][] = []

  add(bytes: Uint8Array): Uint8Array {
    this.#list.push([bytes, bytes.slice()])
    return bytes
  }

  check(): void {
    for (const [bytes, copy] of this.#list) deepEqual(bytes, copy, 'changed after it was handed out')
  }
}

function takeAll(queue: ByteQueue, handedOut: HandedOut): number[] {
  return Array.from(Buffer.concat(queue.takeChunks(Uint8Array).map((chunk) => handedOut.add(chunk))))
}

t.test('ByteQueue: does what a plain array of bytes does, and never writes to what it gave out', async (t) => {
  t.doesNotThrow(() => fc.assert(fc.property(operations, (operations) => {
    const queue = new ByteQueue()
    const handedOut = new HandedOut()
    let model: number[] = []
    let next = 0
    for (const [operation, size] of operations) {
      if (operation === 'shift') {
        const chunk = queue.shift(Uint8Array)
        equal(chunk === undefined, model.length === 0)
        if (chunk !== undefined) deepEqual([...handedOut.add(chunk)], model.splice(0, chunk.length))
      } else if (operation === 'takeChunks') {
        deepEqual(takeAll(queue, handedOut), model.splice(0))
      } else if (operation === 'copyTo') {
        const target = new Uint8Array(size)
        queue.copyTo(target)
        deepEqual([...target], Array.from(target, (_, index) => model[index] ?? 0))
      } else if (operation === 'drop') {
        const count = Math.min(size, model.length)
        queue.drop(count)
        model.splice(0, count)
      } else if (operation === 'clear') {
        queue.clear()
        model = []
      } else {
        const chunk = Uint8Array.from({ length: size }, () => next++)
        queue[operation](chunk)
        model.push(...chunk)
        // A copy was made, or the chunk was given away.
        if (operation === 'appendCopy') chunk.fill(0)
      }
      equal(queue.length, model.length)
    }
    deepEqual(takeAll(queue, handedOut), model)
    handedOut.check()
  }), { numRuns: 300 }))
})

const chunk = (length: number, memory = length): Uint8Array => new Uint8Array(memory).subarray(0, length)

const kept: readonly [name: string, append: (typeof APPENDS)[number], chunk: Uint8Array, isReference: boolean][] = [
  ['a large chunk by reference', 'append', chunk(4096), true],
  ['a small chunk as a copy', 'append', chunk(4095), false],
  ['a large part of its memory by reference', 'appendCompact', chunk(4096, 8192), true],
  ['a small part of its memory as a copy, though it is large', 'appendCompact', chunk(4096, 8193), false],
  ['a small chunk by reference if told so', 'appendReference', chunk(1), true],
  ['a large chunk as a copy if told so', 'appendCopy', chunk(10_000), false],
]

t.test('ByteQueue: keeps large chunks as they are and copies small ones', async (t) => {
  for (const [name, append, chunk, isReference] of kept) {
    const queue = new ByteQueue()
    queue[append](chunk)
    t.equal(queue.shift(Uint8Array)?.buffer === chunk.buffer, isReference, name)
  }
})

t.test('ByteQueue: gives chunks in the class that is asked for', async (t) => {
  const queue = new ByteQueue()
  queue.appendCopy(Buffer.from('small'))
  queue.appendReference(Buffer.from('other'))
  queue.appendReference(new Uint8Array(1))
  t.ok(Buffer.isBuffer(queue.shift(Buffer)))
  t.notOk(Buffer.isBuffer(queue.shift(Uint8Array)))
  t.ok(queue.takeChunks(Buffer).every((chunk) => Buffer.isBuffer(chunk)))
})

t.test('ByteQueue: holds 1-byte chunks in few blocks, at most a quarter more than their bytes', async (t) => {
  const queue = new ByteQueue()
  for (let count = 0; count < 300_000; count++) queue.append(Uint8Array.of(count))
  const chunks = queue.takeChunks(Uint8Array)
  const memory = new Set(chunks.map(({ buffer }) => buffer))
  const allocated = [...memory].reduce((sum, { byteLength }) => sum + byteLength, 0)
  t.equal(chunks.reduce((sum, { length }) => sum + length, 0), 300_000)
  t.ok(chunks.length < 50, `${chunks.length} blocks`)
  t.ok(allocated <= 1.25 * 300_000 + 512, `${allocated} bytes`)
})

t.test('ByteQueue: takes a long list apart without moving what follows each time', async (t) => {
  const COUNT = 20_000
  let moved = 0
  const { shift, slice, splice } = Array.prototype
  const counting = { shift, slice, splice } as Record<string, (this: unknown[], ...args: never[]) => unknown>
  t.teardown(() => Object.assign(Array.prototype, { shift, slice, splice }))
  const takes: [name: string, take: (queue: ByteQueue) => void][] = [
    ['shift', (queue) => queue.shift(Uint8Array)],
    ['drop', (queue) => queue.drop(1)],
  ]
  for (const [name, take] of takes) {
    const queue = new ByteQueue()
    for (let count = 0; count < COUNT; count++) queue.appendReference(Uint8Array.of(1))
    moved = 0
    for (const [method, original] of Object.entries(counting)) {
      Object.assign(Array.prototype, { [method](this: unknown[], ...args: never[]) {
        moved += this.length
        return original.apply(this, args)
      } })
    }
    while (queue.length > 0) take(queue)
    Object.assign(Array.prototype, { shift, slice, splice })
    t.ok(moved <= 3 * COUNT, `${name}: ${moved} places of ${COUNT} were moved`)
  }
})
