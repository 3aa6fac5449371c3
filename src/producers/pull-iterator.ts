import { invalidType } from '../errors.js'
import { END, Puller } from './puller.js'

type AnyIterator = Partial<Iterator<unknown> | AsyncIterator<unknown>>

/**
 * Pulls an iterable or an async iterable. Its iterator is made at the first pull; a generator, which is its own
 * iterator, is closed even if it never started.
 */
export class IteratorPuller extends Puller {
  readonly #iterable: object
  readonly #method: symbol
  #iterator: AnyIterator | null = null

  constructor(iterable: object, method: typeof Symbol.iterator | typeof Symbol.asyncIterator) {
    super()
    this.#iterable = iterable
    this.#method = method
  }

  protected ask(): unknown {
    this.#iterator ??= (this.#iterable as Record<symbol, () => AnyIterator>)[this.#method]?.() as AnyIterator
    return (this.#iterator as Iterator<unknown>).next()
  }

  read(answer: unknown): unknown {
    if (typeof answer !== 'object' || answer === null) throw invalidType('result', 'an object', answer)
    const { done, value } = answer as IteratorResult<unknown>
    return done === true ? END : value
  }

  protected close(): unknown {
    const iterator = this.#iterator ?? (this.#iterable as AnyIterator)
    return typeof iterator.next === 'function' && typeof iterator.return === 'function' ? iterator.return() : undefined
  }
}
