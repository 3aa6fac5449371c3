import t from 'tap'
import { WrittenCodecs } from '../../src/streams/written-codecs.js'

const codec = (name: string) => ({ name, encode: () => '' })

t.test('WrittenCodecs: a message has the codec that was set when it was written', (t) => {
  const codecs = new WrittenCodecs(codec('first'))
  const encoded: (string | undefined)[] = []
  const encode = (): void => void encoded.push(codecs.next().name)
  codecs.noteWritten()
  codecs.noteWritten()
  codecs.set(codec('nobody'))
  codecs.set(codec('second'))
  t.equal(codecs.last.name, 'second')
  codecs.noteWritten()
  codecs.set(codec('third'))
  encode()
  encode()
  encode()
  codecs.noteWritten()
  encode()
  t.same(encoded, ['first', 'first', 'second', 'third'])
  t.equal(codecs.last.name, 'third')
  t.end()
})

t.test('WrittenCodecs: one that is set as a message is encoded, before its write is over, rules the next one', (t) => {
  const codecs = new WrittenCodecs(codec('first'))
  t.equal(codecs.next().name, 'first')
  codecs.set(codec('second'))
  codecs.noteWritten()
  t.equal(codecs.next().name, 'second')
  t.end()
})
