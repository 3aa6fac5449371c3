import { equal, ok } from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { FrameInput } from '../../src/framing/frame-input.js'

const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1')

const OPERATIONS = ['write', 'write', 'write', 'next', 'next', 'hold', 'take', 'take', 'takeView', 'drop', 'peek', 'rewind', 'pushBack', 'takeAll'] as const
const operations = fc.array(
  fc.tuple(fc.constantFrom(...OPERATIONS), fc.oneof(fc.nat(4), fc.nat(600), fc.integer({ min: 4096, max: 4200 }))),
  { maxLength: 60 },
)

/** A FrameInput beside a string of all that was not delivered; the first `held` characters are held. */
class Pair {
  readonly input = new FrameInput()
  unread = ''
  offset = 0
  #written = 0
  readonly #delivered: [bytes: Uint8Array, text: string][] = []

  do(operation: (typeof OPERATIONS)[number], size: number): void {
    const { input } = this
    const within = Math.min(size, input.heldLength + input.restLength)
    if (operation === 'write') input.write(this.#fresh(size, (text) => (this.unread += text)))
    if (operation === 'next') equal(input.next(), this.unread.length > input.heldLength)
    if (operation === 'hold') this.#hold()
    if (operation === 'take') this.#deliver(input.take(within), within)
    if (operation === 'takeView' && input.heldLength === 0) {
      const count = within >> 1
      this.#deliver(input.takeView(count, within - count), count)
      this.#advance(within - count)
    }
    if (operation === 'drop') {
      input.drop(within)
      this.#advance(within)
    }
    if (operation === 'peek') equal(latin1(input.peek(within)), this.unread.slice(0, within))
    if (operation === 'rewind') {
      input.rewind()
      equal(input.heldLength, 0)
    }
    if (operation === 'pushBack') {
      input.pushBack(this.#fresh(size, (text) => (this.unread = text + this.unread)))
      this.offset -= size
    }
    if (operation === 'takeAll') {
      this.#deliver(input.takeAll(), this.unread.length)
      ok(!input.next(), 'nothing is left')
    }
  }

  check(): void {
    const { input } = this
    equal(input.length, this.unread.length)
    equal(input.offset, this.offset)
    equal(latin1(input.chunk.subarray(input.at)), this.unread.slice(input.heldLength, input.heldLength + input.restLength))
    for (const [bytes, text] of this.#delivered) equal(latin1(bytes), text, 'changed after it was delivered')
  }

  #hold(): void {
    const wanted = this.input.heldLength + this.input.restLength
    this.input.hold()
    equal(this.input.heldLength, wanted)
    equal(this.input.restLength, 0)
  }

  #deliver(bytes: Uint8Array, count: number): void {
    const text = this.unread.slice(0, count)
    equal(latin1(bytes), text)
    this.#delivered.push([bytes, text])
    this.#advance(count)
  }

  #advance(count: number): void {
    this.unread = this.unread.slice(count)
    this.offset += count
  }

  #fresh(size: number, add: (text: string) => void): Uint8Array {
    const bytes = Uint8Array.from({ length: size }, () => 32 + (this.#written++ % 223))
    add(latin1(bytes))
    return bytes
  }
}

t.test('FrameInput: does what a string of the undelivered bytes does, in any order of calls', async (t) => {
  t.doesNotThrow(() => fc.assert(fc.property(operations, (operations) => {
    const pair = new Pair()
    for (const [operation, size] of operations) {
      pair.do(operation, size)
      pair.check()
    }
  }), { numRuns: 500 }))
})

t.test('FrameInput: looks again at what was held in several chunks, in the order they came', async (t) => {
  const input = new FrameInput()
  const chunks = ['a', 'b', 'c'].map((letter) => Buffer.alloc(4096, letter))
  for (const chunk of chunks) {
    input.write(chunk)
    t.ok(input.next())
    input.hold()
  }
  input.rewind()
  t.equal(input.heldLength, 0)
  for (const chunk of chunks) t.ok(input.next() && chunk.equals(input.take(4096)))
})

t.test('FrameInput: delivers a view where the bytes lie in one chunk, and one piece where they do not', async (t) => {
  const input = new FrameInput()
  const first = Buffer.from('abc')
  input.write(first)
  input.write(Buffer.from('def'))
  t.ok(input.next())
  const view = input.take(1)
  t.ok(Buffer.isBuffer(view) && view.buffer === first.buffer && view.byteOffset === first.byteOffset)
  input.hold()
  t.ok(input.next())
  t.equal(latin1(input.peek(4)), 'bcde', 'held bytes and bytes of the chunk')
  const joined = input.take(4)
  t.ok(Buffer.isBuffer(joined) && joined.buffer !== first.buffer)
  t.equal(latin1(joined), 'bcde')
  t.same([input.offset, input.heldLength, input.restLength, input.length], [5, 0, 1, 1])
})

t.test('FrameInput: counts its chunks, for the same memory may come again', async (t) => {
  const input = new FrameInput()
  const chunk = Buffer.from('ab')
  input.write(chunk)
  input.write(new Uint8Array(0))
  const { serial } = input
  input.drop(2)
  t.notOk(input.next(), 'an empty chunk is nothing')
  input.write(chunk)
  t.ok(input.next() && input.serial > serial)
})

t.test('FrameInput: keeps no memory of a chunk that is used up', async (t) => {
  const input = new FrameInput()
  input.write(new Uint8Array(100_000))
  input.drop(100_000)
  input.next()
  t.equal(input.chunk.buffer.byteLength, 0)
})
