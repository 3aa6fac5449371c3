import t from 'tap'
import { type FrameCodec, MessageScanner } from '../../src/framing/index.js'
import { MessageSupply } from '../../src/streams/message-supply.js'

function supplyOf(parts: Partial<FrameCodec<string>> = {}): { scanner: MessageScanner<string>; supply: MessageSupply<string>; errors: Error[]; write: (text: string) => void; asked: string[] } {
  const scanner = new MessageScanner<string>({ terminator: '\n', parse: String, encode: () => '', ...parts })
  const errors: Error[] = []
  const asked: string[] = []
  const supply = new MessageSupply<string>(scanner, (error) => {
    errors.push(error)
    supply.gate.close()
  })
  const write = (text: string): void => supply.gate.write([Buffer.from(text)], () => asked.push(text))
  return { scanner, supply, errors, write, asked }
}

t.test('MessageSupply: gives a message when it is asked to, and asks when there is none', (t) => {
  const { supply, write, asked } = supplyOf()
  write('a\nb')
  t.equal(supply.takePlain(), 'a')
  t.equal(supply.takePlain(), null)
  t.same(asked, [])
  t.equal(supply.take(), null)
  t.same(asked, ['a\nb'])
  t.equal(supply.gate.isDry, true)
  write('c\n')
  t.equal(supply.take(), 'bc')
  t.end()
})

t.test('MessageSupply: goes on with what comes while it asks', (t) => {
  const { supply, write } = supplyOf()
  supply.gate.write([Buffer.from('a')], () => write('b\n'))
  t.equal(supply.take(), 'ab')
  t.end()
})

t.test('MessageSupply: gives batches of what is at hand', (t) => {
  const { supply, write } = supplyOf()
  t.equal(supply.takeBatch(2), null)
  supply.gate.write([Buffer.from('a\nb\nc\n')], () => write('d\n'))
  t.same(supply.takeBatch(2), ['a', 'b'])
  t.same(supply.takeBatch(9), ['c', 'd'])
  t.equal(supply.takeBatch(9), null)
  t.end()
})

function textOf(frame: Uint8Array): string {
  if (frame.length === 0) throw new Error('empty')
  return String(frame)
}

t.test('MessageSupply: leaves what fails behind a message to the next batch, and tells it once', (t) => {
  const { supply, write, errors, scanner } = supplyOf({ parse: textOf })
  write('a\n\nb\n')
  t.same(supply.takeBatch(9), ['a'])
  t.same(errors, [])
  t.equal(supply.takeBatch(9), null)
  t.match(errors, [{ code: 'ERR_FRAME_MALFORMED' }])
  t.equal(supply.takePlain(), null)
  t.equal(supply.take(), null)
  t.equal(errors.length, 1)
  t.equal(scanner.bufferedLength, 3)
  t.end()
})

t.test('MessageSupply: looks again after a change', (t) => {
  const { supply, write, scanner } = supplyOf()
  write('a;b\n')
  scanner.setCodec({ terminator: '!', parse: String, encode: () => '' })
  t.equal(supply.take(), null)
  scanner.setCodec({ terminator: ';', parse: String, encode: () => '' })
  t.equal(supply.take(), null, 'it knows that there is nothing')
  supply.startOver()
  supply.reclaim()
  t.equal(supply.take(), 'a')
  t.end()
})

t.test('MessageSupply: tells an empty input from one that gave nothing', (t) => {
  const { supply } = supplyOf()
  t.equal(supply.isEmpty, false)
  supply.gate.end(() => {})
  t.equal(supply.isEmpty, true)
  const other = supplyOf()
  other.write('a')
  other.supply.gate.end(() => {})
  t.equal(other.supply.isEmpty, false)
  t.end()
})
