import t from 'tap'
import { MorePuller } from '../../src/producers/pull-more.js'
import { END } from '../../src/producers/puller.js'

t.test('MorePuller: calls more() on its producer', async (t) => {
  const producer = {
    rest: ['a', 'b'],
    more() {
      return this.rest.shift()
    },
  }
  const puller = new MorePuller(producer)
  t.same([puller.pull(), puller.pull(), puller.pull()], ['a', 'b', undefined])
})

t.test('MorePuller: O36 takes null, undefined and empty chunks for the end, and nothing else', async (t) => {
  const puller = new MorePuller({ more: () => null })
  for (const answer of [null, undefined, '', new Uint8Array(0), Buffer.alloc(0), new ArrayBuffer(0), new DataView(new ArrayBuffer(2), 2)]) {
    t.equal(puller.read(answer), END)
  }
  for (const answer of ['a', new Uint8Array(1), new ArrayBuffer(1), 0, false, {}, []]) t.equal(puller.read(answer), answer)
})

t.test('MorePuller: tells a producer that it is given up, if it can be told', async (t) => {
  let count = 0
  const producer = {
    more: () => null,
    return() {
      t.equal(this, producer)
      count++
    },
  }
  const puller = new MorePuller(producer)
  puller.release()
  puller.release()
  t.equal(count, 1)
  t.doesNotThrow(() => new MorePuller({ more: () => null }).release())
  t.doesNotThrow(() => new MorePuller({ more: () => null, return: 'no function' as never }).release())
})
