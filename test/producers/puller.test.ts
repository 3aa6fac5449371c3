import t from 'tap'
import { Puller } from '../../src/producers/puller.js'
import { turns } from '../support/consumers.js'
import { thenable } from '../support/resolvers.js'

/** A source of which each call is told. */
class Told extends Puller {
  readonly log: string[] = []
  onAsk: () => unknown = () => 'answer'
  onClose: () => unknown = () => undefined

  protected ask(): unknown {
    this.log.push('ask')
    return this.onAsk()
  }

  read(answer: unknown): unknown {
    return answer
  }

  protected close(): unknown {
    this.log.push('close')
    return this.onClose()
  }
}

t.test('Puller: gives what its source answers or throws', async (t) => {
  const puller = new Told()
  t.equal(puller.pull(), 'answer')
  puller.onAsk = () => {
    throw new Error('from the source')
  }
  t.throws(() => puller.pull(), { message: 'from the source' })
  t.same(puller.log, ['ask', 'ask'])
})

t.test('Puller: releases its source once', async (t) => {
  const puller = new Told()
  puller.release()
  puller.release()
  t.same(puller.log, ['close'])
})

t.test('Puller: releases a source that is answering when it has answered', async (t) => {
  for (const fails of [false, true]) {
    const puller = new Told()
    puller.onAsk = () => {
      puller.release()
      puller.log.push('answers')
      puller.release()
      if (fails) throw new Error('from the source')
    }
    if (fails) t.throws(() => puller.pull(), { message: 'from the source' })
    else puller.pull()
    t.same(puller.log, ['ask', 'answers', 'close'])
    puller.release()
    t.equal(puller.log.length, 3)
  }
})

t.test('Puller: ignores what comes of a release', async (t) => {
  const outcomes: readonly (() => unknown)[] = [
    () => {
      throw new Error('thrown')
    },
    () => Promise.reject(new Error('rejected')),
    () => thenable({ value: (_: unknown, reject: (error: Error) => void) => reject(new Error('of a thenable')) }),
    () => thenable({
      get: () => {
        throw new Error('of a getter')
      },
    }),
  ]
  const unhandled: unknown[] = []
  const note = (error: unknown): void => void unhandled.push(error)
  process.on('unhandledRejection', note)
  for (const onClose of outcomes) t.doesNotThrow(() => Object.assign(new Told(), { onClose }).release())
  await turns(3)
  process.off('unhandledRejection', note)
  t.same(unhandled, [])
})
