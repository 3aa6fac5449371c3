import { Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

export type OnFrame = (frame: unknown) => void

/**
 * A way of taking frames from a splitter. `onFrame` is called once for each
 * frame, synchronously, after the frame was taken and before the next one is
 * asked for: a terminator set in it must rule the very next byte.
 */
export interface Consumer {
  readonly name: string
  /** Resolves at the end of the splitter, rejects with its error. */
  readonly consume: (splitter: Readable, onFrame: OnFrame) => Promise<void>
}

/** One turn of the event loop. */
export const turn = (): Promise<void> =>
  new Promise(resolve => {
    setImmediate(resolve)
  })

export const turns = async (count: number): Promise<void> => {
  for (let i = 0; i < count; i++) await turn()
}

/** Tells whether a promise has settled. */
export const settled = (promise: Promise<unknown>): (() => boolean) => {
  let hasSettled = false
  const settle = (): void => {
    hasSettled = true
  }
  promise.then(settle, settle)
  return () => hasSettled
}

/** What a frame says. */
export const textOf = (frame: unknown): string => String(frame)

/**
 * The promise, or a rejection when it has not settled within so many turns of
 * the event loop: a standstill fails its test, and no clock is asked.
 * Not for promises that wait for sockets, children or timers.
 */
export const withinTurns = async <T>(promise: Promise<T>, limit = 2000): Promise<T> => {
  const isSettled = settled(promise)
  const guard = async (): Promise<T> => {
    for (let i = 0; i < limit && !isSettled(); i++) await turn()
    if (isSettled()) return promise
    throw new Error(`Standstill: nothing settled within ${limit} turns of the event loop`)
  }
  return Promise.race([promise, guard()])
}

/** A 'data' listener that may be asynchronous: the stream does not wait for it. */
export const onData = (splitter: Readable, listener: (frame: unknown) => unknown): void => {
  splitter.on('data', frame => {
    listener(frame)
  })
}

/** Resolves on 'end', rejects on 'error' and on a 'close' that comes before both. */
export const ended = (stream: Readable): Promise<void> =>
  new Promise((resolve, reject) => {
    stream.once('end', resolve)
    stream.on('error', reject)
    stream.once('close', () => {
      reject(new Error('Closed before its end'))
    })
  })

/** Resolves on 'close', whatever came before it. An 'error' needs a listener of its own. */
export const closed = (stream: Readable): Promise<void> =>
  new Promise(resolve => {
    stream.once('close', resolve)
  })

/** All items of an async iterable (Array.fromAsync, which Node 20 has not). */
export const listOf = async <T>(source: AsyncIterable<T>): Promise<T[]> => {
  const items: T[] = []
  for await (const item of source) items.push(item)
  return items
}

const attach = (splitter: Readable, onFrame: OnFrame): Promise<void> => {
  const done = ended(splitter)
  splitter.on('data', onFrame)
  return done
}

const sink = (onFrame: OnFrame, answer: (done: () => void) => void): Writable =>
  new Writable({
    objectMode: true,
    highWaterMark: 1,
    write: (frame: unknown, _encoding, done) => {
      onFrame(frame)
      answer(done)
    }
  })

const pipeInto = (splitter: Readable, target: Writable): Promise<void> =>
  new Promise((resolve, reject) => {
    splitter.on('error', reject)
    splitter.once('close', () => {
      if (!splitter.readableEnded) reject(new Error('Closed before its end'))
    })
    target.on('error', reject)
    target.once('finish', resolve)
    splitter.pipe(target)
  })

/** Takes `count` frames by 'data', then leaves the stream paused. */
export const takeByData = (splitter: Readable, count: number, onFrame: OnFrame): Promise<void> =>
  new Promise(resolve => {
    let left = count
    const take = (frame: unknown): void => {
      onFrame(frame)
      if (--left > 0) return
      splitter.off('data', take)
      splitter.pause()
      resolve()
    }
    splitter.on('data', take)
    splitter.resume()
  })

/** Takes `count` frames by 'readable' and read(), then listens no more. */
export const takeByReadable = (
  splitter: Readable,
  count: number,
  onFrame: OnFrame
): Promise<void> =>
  new Promise(resolve => {
    let left = count
    const take = (): void => {
      let frame: unknown
      while (left > 0 && (frame = splitter.read()) !== null) {
        left -= 1
        onFrame(frame)
      }
      if (left > 0) return
      splitter.off('readable', take)
      resolve()
    }
    splitter.on('readable', take)
  })

/** Takes `count` frames by an async iterator that leaves the stream alive. */
export const takeByIterator = async (
  splitter: Readable,
  count: number,
  onFrame: OnFrame
): Promise<void> => {
  let left = count
  for await (const frame of splitter.iterator({ destroyOnReturn: false })) {
    onFrame(frame)
    if (--left === 0) break
  }
}

/** `'data'`, `'readable'`, an iterator, `'data'` again, `between` after each. */
const changing = async (
  splitter: Readable,
  onFrame: OnFrame,
  between: () => Promise<void>
): Promise<void> => {
  const done = ended(splitter)
  const phases = async (): Promise<void> => {
    await takeByData(splitter, 2, onFrame)
    await between()
    await takeByReadable(splitter, 2, onFrame)
    await between()
    await takeByIterator(splitter, 2, onFrame)
    await between()
    splitter.on('data', onFrame)
    splitter.resume()
    await done
  }
  await Promise.race([done, phases()])
}

export const consumers: readonly Consumer[] = [
  { name: "'data'", consume: attach },
  {
    name: "'data' attached late",
    consume: async (splitter, onFrame) => {
      const done = ended(splitter)
      await Promise.race([done, turns(3)])
      splitter.on('data', onFrame)
      return done
    }
  },
  {
    name: "'data' with pause() and resume() around each frame",
    consume: (splitter, onFrame) =>
      attach(splitter, frame => {
        splitter.pause()
        onFrame(frame)
        setImmediate(() => {
          splitter.resume()
        })
      })
  },
  {
    name: "'data' with an await inside",
    consume: async (splitter, onFrame) => {
      let last = Promise.resolve()
      const take = async (frame: unknown): Promise<void> => {
        splitter.pause()
        await turn()
        onFrame(frame)
        splitter.resume()
      }
      await attach(splitter, frame => {
        last = take(frame)
      })
      // A stream says its end although its last frame is still being handled.
      await last
    }
  },
  {
    name: "'data' with pause() and resume() in one go",
    consume: (splitter, onFrame) =>
      attach(splitter, frame => {
        splitter.pause()
        onFrame(frame)
        splitter.resume()
      })
  },
  {
    name: "'readable' with read() until null",
    consume: (splitter, onFrame) => {
      const done = ended(splitter)
      splitter.on('readable', () => {
        let frame: unknown
        while ((frame = splitter.read()) !== null) onFrame(frame)
      })
      return done
    }
  },
  {
    name: "'readable' with one read() a turn",
    consume: (splitter, onFrame) => {
      const done = ended(splitter)
      let isScheduled = false
      const takeOne = (): void => {
        isScheduled = false
        const frame: unknown = splitter.read()
        if (frame === null) return
        onFrame(frame)
        schedule()
      }
      const schedule = (): void => {
        if (isScheduled) return
        isScheduled = true
        setImmediate(takeOne)
      }
      splitter.on('readable', schedule)
      return done
    }
  },
  {
    name: 'read() polled without a listener',
    consume: async (splitter, onFrame) => {
      const done = ended(splitter)
      const isOver = settled(done)
      while (!isOver()) {
        const frame: unknown = splitter.read()
        if (frame === null) await turn()
        else onFrame(frame)
      }
      return done
    }
  },
  {
    name: 'for await',
    consume: async (splitter, onFrame) => {
      for await (const frame of splitter) onFrame(frame)
    }
  },
  {
    name: 'slow for await',
    consume: async (splitter, onFrame) => {
      for await (const frame of splitter) {
        await turn()
        onFrame(frame)
        await turn()
      }
    }
  },
  {
    name: 'pipeline with an async generator',
    consume: (splitter, onFrame) =>
      pipeline(
        splitter,
        async function* (source: AsyncIterable<unknown>) {
          for await (const frame of source) {
            onFrame(frame)
            yield 'taken'
          }
        },
        new Writable({
          objectMode: true,
          write: (_frame, _encoding, done) => {
            done()
          }
        })
      )
  },
  {
    name: 'pipeline into an async function',
    consume: (splitter, onFrame) =>
      pipeline(splitter, async (source: AsyncIterable<unknown>) => {
        for await (const frame of source) onFrame(frame)
      })
  },
  {
    name: 'pipe into a slow Writable',
    consume: (splitter, onFrame) => pipeInto(splitter, sink(onFrame, setImmediate))
  },
  {
    name: 'pipe into a Writable that answers at once',
    consume: (splitter, onFrame) =>
      pipeInto(
        splitter,
        sink(onFrame, done => {
          done()
        })
      )
  },
  {
    name: 'Readable.toWeb with a reader',
    consume: async (splitter, onFrame) => {
      const reader = Readable.toWeb(splitter).getReader()
      for (;;) {
        const { done, value } = await reader.read()
        if (done) return
        onFrame(value)
      }
    }
  },
  {
    name: 'consumers that change at once',
    consume: (splitter, onFrame) => changing(splitter, onFrame, async () => {})
  },
  {
    name: 'consumers that change with a turn between',
    consume: (splitter, onFrame) => changing(splitter, onFrame, () => turns(2))
  }
]
