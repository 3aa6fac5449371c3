import t from 'tap'
import { type Codec, decoder } from '../../src/index.js'
import { closed, listOf, turns, withinTurns } from '../support/consumers.js'

const line: Codec<string> = { terminator: '\n', parse: String, encode: () => '', tail: 'emit' }

t.test('DemandTransform: holds a write until its bytes are used up', async (t) => {
  const stream = decoder(line)
  const done: string[] = []
  for (const text of ['a\nb\n', 'c\n']) stream.write(text, () => done.push(text))
  await turns(2)
  t.same(done, [])
  t.same([stream.read(), stream.read()], ['a', 'b'])
  await turns(2)
  t.same(done, ['a\nb\n'], 'there is nothing left of it')
  t.equal(stream.read(), 'c')
  stream.destroy()
})

t.test('DemandTransform: lets in all that waits, corked or not, so that it can be taken', async (t) => {
  for (const corks of [0, 1, 2]) {
    const stream = decoder(line)
    stream.write('a\n')
    for (let count = 0; count < corks; count++) stream.cork()
    stream.write('b')
    stream.write('c')
    t.equal(String(stream.takeUnread()), 'a\nbc')
    t.equal(stream.writableCorked, corks)
    stream.write('d\n')
    for (let count = 0; count < corks; count++) stream.uncork()
    stream.end()
    t.same(await withinTurns(listOf(stream)), ['d'])
  }
})

t.test('DemandTransform: takes what was corked in one go, and ends when it is asked for what comes last', async (t) => {
  const stream = decoder(line)
  const seen: string[] = []
  stream.cork()
  for (const text of ['a', '\n', 'b']) stream.write(text)
  stream.end()
  stream.on('data', (text: string) => seen.push(text))
  await withinTurns(closed(stream))
  t.same(seen, ['a', 'b'])
})
