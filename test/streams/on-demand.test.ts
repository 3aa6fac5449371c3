import { Readable } from 'node:stream'
import t from 'tap'
import { type Codec, MessageScanner } from '../../src/framing/index.js'
import { MessageSupply } from '../../src/streams/message-supply.js'
import { DuplexOnDemand, TransformOnDemand, asBuffer, demandOf } from '../../src/streams/on-demand.js'
import { listOf, turns } from '../support/consumers.js'

// What a TerminatorSplitter does is in its own tests: here is what it does not.

const line: Codec<string> = { terminator: '\n', parse: String, encode: () => '' }

/** A Duplex whose input is given by hand. */
class Inbox extends DuplexOnDemand<string> {
  constructor(destroysAtEnd?: boolean) {
    const scanner = new MessageScanner<string>(line)
    const supply = new MessageSupply(scanner, (error) => this.destroy(error))
    super({ scanner, supply, frameTimeout: 0, options: { objectMode: true }, ...(destroysAtEnd === undefined ? {} : { destroysAtEnd }) })
  }

  give(text: string, done: () => void = () => {}, isNow = true): void {
    demandOf(this).feed([Buffer.from(text)], done, isNow)
  }

  giveEnd(): void {
    demandOf(this).feedEnd(() => void this.push(null))
  }

  override _write(_chunk: unknown, _encoding: string, done: () => void): void {
    done()
  }
}

t.test('DuplexOnDemand: delivers what it is given as it is taken, and asks for more when that is used up', async (t) => {
  const inbox = new Inbox()
  const asked: string[] = []
  inbox.give('a\nb', () => asked.push('ab'))
  await turns(2)
  t.same(asked, [], 'nobody reads')
  const seen: string[] = []
  inbox.addListener('data', (text: string) => seen.push(text))
  await turns(2)
  t.same([seen, asked], [['a'], ['ab']])
  inbox.give('c\n', () => asked.push('c'), false)
  t.same(seen, ['a'], 'not before the next tick')
  await turns(2)
  t.same([seen, asked], [['a', 'bc'], ['ab', 'c']])
  inbox.destroy()
})

t.test('DuplexOnDemand: lets who iterated to the end write on, if it is told so', async (t) => {
  for (const destroysAtEnd of [undefined, true, false]) {
    const inbox = new Inbox(destroysAtEnd)
    inbox.give('a\nb\n')
    inbox.giveEnd()
    t.same(await listOf(inbox), ['a', 'b'])
    await turns(2)
    t.equal(inbox.destroyed, destroysAtEnd !== false)
    if (!inbox.destroyed) t.equal(inbox.write('x'), true)
    inbox.destroy()
  }
})

t.test('DuplexOnDemand: takes bytes out and back', (t) => {
  const inbox = new Inbox()
  inbox.give('a\nb')
  t.equal(inbox.read(), 'a')
  const unread = inbox.takeUnread()
  t.equal(String(unread), 'b')
  inbox.pushBack(Buffer.from('c\n'))
  t.equal(inbox.read(), 'c')
  inbox.destroy()
  t.throws(() => inbox.pushBack(unread), { code: 'ERR_INVALID_STATE' })
  t.end()
})

t.test('TransformOnDemand: is a stream that the platform knows', (t) => {
  t.equal(typeof TransformOnDemand, 'function')
  t.equal(Readable.isDisturbed(new Inbox()), false)
  t.end()
})

t.test('asBuffer: is the same memory', (t) => {
  const bytes = new Uint8Array([1, 2, 3]).subarray(1)
  const buffer = asBuffer(bytes)
  t.equal(buffer.buffer, bytes.buffer)
  t.same([...buffer], [2, 3])
  t.equal(asBuffer(buffer), buffer)
  t.end()
})
