/**
 * Counts the work that code has the platform do with bytes: what it copies, searches, decodes, allocates. No clock.
 *
 * Owns: the functions that are replaced while `measure()` runs, which are put back after it. Rules: only what is called
 * inside `count()` counts, and that is synchronous, so nothing else is. It does not see the loops of the code itself
 * over single bytes (but `for of`), nor functions that were taken from their classes before.
 */

import { type Probe, lengthOf, platformProbes } from './platform-probes.js'
import type { Decoder } from './subject.js'

/** Thrown into code that asks for too much memory at once, before it gets it. */
export class AllocationError extends RangeError {}

type Callable = (this: unknown, ...args: unknown[]) => unknown

/** Memory that a decoder may ask for at once, for each byte that it has received, beside what it has for itself. */
const BYTES_PER_BYTE = 16

export class Meter {
  /** Bytes worked on. */
  work = 0
  /** The largest allocation that was refused; 0: none was. */
  refused = 0
  #allowance = Infinity
  #isOn = false

  /** Runs with the platform's functions replaced. */
  measure<T>(call: () => T): T {
    const restore: (() => void)[] = []
    try {
      this.#replace(restore)
      return call()
    } finally {
      for (const undo of restore.toReversed()) undo()
    }
  }

  /** Counts what this call does. An allocation above the allowance is refused, and noted. */
  count<T>(call: () => T, allowance: number = Infinity): T {
    this.#allowance = allowance
    this.#isOn = true
    try {
      return call()
    } finally {
      this.#isOn = false
    }
  }

  #replace(restore: (() => void)[]): void {
    const { Uint8Array, ArrayBuffer, Array } = globalThis
    for (const probe of platformProbes()) {
      for (const name of probe.names) this.#replaceOne(probe, name, restore)
    }
    const { Int8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array, Float32Array, Float64Array } = globalThis
    const typed = [Uint8Array, Int8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array, Float32Array, Float64Array]
    for (const [name, original, size] of [
      ...typed.map((one) => [one.name, one, one.BYTES_PER_ELEMENT] as const),
      ['ArrayBuffer', ArrayBuffer, 1],
      ['Array', Array, 8],
    ] as const) {
      const replaced = this.#constructorOf(original, size)
      put(globalThis, name, replaced, restore)
      // So that `new chunk.constructor(length)`, and `subarray`, find it.
      if (name === 'Uint8Array') put(original.prototype, 'constructor', replaced, restore)
    }
  }

  #replaceOne(probe: Probe, name: PropertyKey, restore: (() => void)[]): void {
    const { holder, work, claim } = probe
    const original: unknown = holder === undefined ? undefined : Reflect.get(holder, name)
    if (holder === undefined || typeof original !== 'function') return
    const counted = (self: unknown, args: readonly unknown[]): unknown => {
      if (this.#isOn && claim !== undefined) this.#claim(claim(args, self))
      let result: unknown
      try {
        result = Reflect.apply(original, self, args)
        return result
      } finally {
        // A call that throws has worked too: half a JSON text is read to its end.
        if (this.#isOn) this.work += work(self, args, result)
      }
    }
    put(holder, name, methodOf(counted), restore)
  }

  #constructorOf(original: object, size: number): object {
    // Its second argument is no place in memory, as a typed array's is.
    const isMemory = original === ArrayBuffer
    const claim = (args: readonly unknown[]): void => {
      if (this.#isOn) this.#claim(size * (args.length === 1 || isMemory ? sizeOf(args[0]) : 0))
    }
    return new Proxy(original as Callable, {
      construct(target, args, newTarget) {
        claim(args)
        return Reflect.construct(target, args, newTarget) as object
      },
      apply(target, self, args: unknown[]) {
        claim(args)
        return Reflect.apply(target, self, args)
      },
    })
  }

  #claim(length: number): void {
    if (!(length > 0)) return
    this.work += length
    if (length <= this.#allowance) return
    this.refused = Math.max(this.refused, length)
    throw new AllocationError(`Allocation of ${length} bytes is refused`)
  }
}

function methodOf(counted: (self: unknown, args: readonly unknown[]) => unknown): Callable {
  return function (...args) {
    return counted(this, args)
  }
}

function put(holder: object, name: PropertyKey, value: unknown, restore: (() => void)[]): void {
  const before = Reflect.getOwnPropertyDescriptor(holder, name)
  const descriptor = { value, writable: true, enumerable: before?.enumerable ?? false, configurable: true }
  // What is frozen is not counted.
  if (!Reflect.defineProperty(holder, name, descriptor)) return
  restore.push(() => {
    if (before === undefined) Reflect.deleteProperty(holder, name)
    else Reflect.defineProperty(holder, name, before)
  })
}

/** What a constructor is to make: a number of elements, or a copy; a view of memory is nothing. */
function sizeOf(argument: unknown): number {
  if (typeof argument === 'number') return argument
  return argument instanceof ArrayBuffer ? 0 : lengthOf(argument)
}

/** The decoder, with what it does counted, and its allocations bounded by what it has received. */
export function metered<In>(
  decoder: Decoder<In>,
  meter: Meter,
  maxAllocation: number,
): Decoder<In> & { readonly received: number } {
  let received = 0
  const count = <T>(call: () => T): T => meter.count(call, maxAllocation + BYTES_PER_BYTE * received)
  return {
    write(chunk) {
      received += chunk.length
      count(() => decoder.write(chunk))
    },
    read: () => count(() => decoder.read()),
    end: () => count(() => decoder.end()),
    get received() {
      return received
    },
  }
}
