import t from 'tap'
import { FrameScanner } from '../../src/framing/frame-scanner.js'
import { WriteGate } from '../../src/streams/write-gate.js'

/** The writable half of a stream that has all its writes already: the next comes when the last is called back. */
class FakeWritable {
  readonly scanner = new FrameScanner({ terminator: '\n' })
  readonly gate = new WriteGate(this.scanner)
  readonly log: string[] = []
  /** Bytes written and not called back, as `writableLength`. */
  length = 0
  readonly #writes: string[]
  readonly #ends: boolean

  constructor(writes: readonly string[], ends = false) {
    this.#writes = [...writes]
    this.#ends = ends
    this.length = writes.join('').length
    this.#give()
  }

  more(write: string): void {
    this.#writes.push(write)
    this.length += write.length
  }

  #give(): void {
    const write = this.#writes.shift()
    if (write !== undefined) {
      this.gate.write([Buffer.from(write)], () => {
        this.log.push(`${write} done${this.gate.isAsking ? '' : ', loudly'}`)
        this.length -= write.length
        this.#give()
      })
    } else if (this.#ends && !this.gate.isEnding) {
      this.gate.end(() => this.log.push('flush done'))
    }
  }
}

t.test('WriteGate: holds the callback of a write until it asks for more', async (t) => {
  const { gate, scanner, log } = new FakeWritable(['ab', 'c'])
  t.same([log, scanner.bufferedLength, gate.givenLength, gate.isDry], [[], 2, 2, false])
  t.equal(gate.ask(), true, 'more came at once')
  t.same([log, scanner.bufferedLength, gate.givenLength], [['ab done'], 3, 3])
  t.equal(gate.ask(), false, 'none came')
  t.same(log, ['ab done', 'c done'])
  t.equal(gate.ask(), false, 'nothing waits')
  t.equal(log.length, 2, 'no callback is called twice')
})

t.test('WriteGate: gives all chunks of one write to the scanner', async (t) => {
  const scanner = new FrameScanner({ terminator: '\n' })
  const gate = new WriteGate(scanner)
  let doneCount = 0
  gate.write([Buffer.from('a'), Buffer.from('b\n')], () => doneCount++)
  t.same([scanner.read(), gate.givenLength, doneCount], [Buffer.from('ab'), 3, 0])
  gate.ask()
  t.equal(doneCount, 1)
})

t.test('WriteGate: ends when it is asked for more after the last write', async (t) => {
  const { gate, scanner, log } = new FakeWritable(['a'], true)
  t.equal(gate.isEnding, false)
  t.equal(gate.ask(), true, 'the end is more: a tail may come of it')
  t.same([gate.isEnding, gate.isDry, gate.isClosed, log], [true, false, false, ['a done']])
  t.same(scanner.read(), Buffer.from('a'))
  t.equal(gate.askForWrites(), false, 'which leaves the end for later')
  t.equal(gate.isEnding, true)
  t.equal(gate.ask(), false)
  t.same([gate.isEnding, gate.isClosed, log], [false, true, ['a done', 'flush done']])
})

t.test('WriteGate: asks for writes only, when told', async (t) => {
  const { gate, log } = new FakeWritable(['a', 'b'])
  t.equal(gate.askForWrites(), true)
  t.equal(gate.askForWrites(), false)
  t.equal(gate.askForWrites(), false)
  t.same(log, ['a done', 'b done'])
})

t.test('WriteGate: is asking inside quietly(), one in another, and not after it, even when it throws', async (t) => {
  const { gate } = new FakeWritable([])
  const seen: boolean[] = []
  gate.quietly(() => {
    gate.quietly(() => seen.push(gate.isAsking))
    seen.push(gate.isAsking)
  })
  t.throws(() => gate.quietly(() => {
    throw new Error('from a handler')
  }), { message: 'from a handler' })
  t.same([seen, gate.isAsking], [[true, true], false])
})

t.test('WriteGate: asks while nothing is left of what came', async (t) => {
  const { gate, scanner, log } = new FakeWritable(['', '', 'a', 'b'])
  gate.askWhileEmpty()
  t.same([log, scanner.bufferedLength], [[' done', ' done'], 1])
  gate.askWhileEmpty()
  t.equal(log.length, 2, 'a byte is left')
})

t.test('WriteGate: lets in what waits in the stream, and no write that comes of it', async (t) => {
  const writable = new FakeWritable(['ab', 'cd', 'e'])
  const { gate, scanner, log } = writable
  const { length } = writable
  writable.more('later')
  gate.letIn(length)
  t.equal(scanner.takeUnread().toString(), 'abcde')
  t.same(log, ['ab done', 'cd done'], 'the last one is held')
  gate.letIn(writable.length)
  t.equal(scanner.takeUnread().toString(), 'later')
})

t.test('WriteGate: calls nobody once it is closed', async (t) => {
  const { gate, log } = new FakeWritable(['a', 'b'], true)
  gate.close()
  t.equal(gate.ask(), false)
  gate.letIn(9)
  gate.askWhileEmpty()
  t.same([gate.isClosed, gate.isEnding, log], [true, false, []])
})

t.test('WriteGate: has more to ask for where the end is there before the last write was used up', (t) => {
  const { gate, log } = new FakeWritable(['a'])
  gate.end(() => log.push('end'))
  t.equal(gate.ask(), true)
  t.equal(gate.isClosed, false)
  t.equal(gate.ask(), false)
  t.same([gate.isClosed, log], [true, ['a done', 'end']])
  t.end()
})
