import t from 'tap'
import { PartsMade } from '../../src/streams/parts-made.js'

/** Parts that say how often they were released. */
function parts(next: () => Promise<IteratorResult<string>>) {
  const told = { released: 0 }
  const iterator = {
    next,
    async return(): Promise<IteratorResult<string>> {
      told.released++
      return { done: true, value: undefined }
    },
  }
  return { told, made: new PartsMade({ [Symbol.asyncIterator]: () => iterator }) }
}

t.test('PartsMade: is released once, by who comes first', async (t) => {
  const { told, made } = parts(async () => ({ done: false, value: 'part' }))
  for await (const part of made) {
    t.equal(part, 'part')
    break
  }
  await made.release()
  t.equal(told.released, 1)
})

t.test('PartsMade: is released while a part is awaited', async (t) => {
  const { told, made } = parts(() => new Promise(() => {}))
  void made.next()
  await made.release()
  t.equal(told.released, 1)
})

t.test('PartsMade: what is over, or has failed, is not released', async (t) => {
  const over = parts(async () => ({ done: true, value: undefined }))
  t.same(await over.made.next(), { done: true, value: undefined })
  const failed = parts(() => Promise.reject(new Error('failed')))
  await t.rejects(failed.made.next(), { message: 'failed' })
  for (const { told, made } of [over, failed]) {
    await made.release()
    t.equal(told.released, 0)
  }
})

t.test('PartsMade: parts that cannot be released are left', async (t) => {
  const made = new PartsMade({ [Symbol.asyncIterator]: () => ({ next: async () => ({ done: false, value: 'part' }) }) })
  t.same(await made.return(), { done: true, value: undefined })
})

t.test('PartsMade: nobody wants to know what a release says', async (t) => {
  const made = new PartsMade<string>({
    [Symbol.asyncIterator]: () => ({
      next: async () => ({ done: false, value: 'part' }),
      return: () => Promise.reject(new Error('concerns nobody')),
    }),
  })
  await t.resolves(made.release())
})
