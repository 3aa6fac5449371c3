/** Checks of options, each naming the option and the value it got. Used by the core and the streams alike. */
import { invalidType, outOfRange } from '../errors.js'
import { isBytes } from './bytes.js'

export function checkOneOf<T extends string>(name: string, value: unknown, allowed: readonly T[]): T {
  if (allowed.includes(value as T)) return value as T
  throw invalidType(name, `one of ${allowed.map((word) => `'${word}'`).join(', ')}`, value)
}

export function checkBoolean(name: string, value: unknown): boolean {
  if (typeof value === 'boolean') return value
  throw invalidType(name, 'a boolean', value)
}

export function checkFunction<T>(name: string, value: T): T {
  if (typeof value === 'function') return value
  throw invalidType(name, 'a function', value)
}

/** A length that something must not pass: a positive integer or `Infinity`. */
export function checkLimit(name: string, value: unknown): number {
  if (typeof value !== 'number') throw invalidType(name, 'a positive integer or Infinity', value)
  if (value === Infinity || (Number.isSafeInteger(value) && value > 0)) return value
  throw outOfRange(name, 'a positive integer or Infinity', value)
}

/** A number of things, at least one. */
export function checkCount(name: string, value: unknown): number {
  if (typeof value !== 'number') throw invalidType(name, 'a positive integer', value)
  if (Number.isSafeInteger(value) && value > 0) return value
  throw outOfRange(name, 'a positive integer', value)
}

/** An integer from `least` to `most`. */
export function checkInteger(name: string, value: unknown, least: number, most: number = Number.MAX_SAFE_INTEGER): number {
  const wanted = `an integer from ${least} to ${most}`
  if (typeof value !== 'number') throw invalidType(name, wanted, value)
  if (Number.isInteger(value) && value >= least && value <= most) return value
  throw outOfRange(name, wanted, value)
}

/** A time in ms that a timer can wait; 0 is none. */
export function checkTimeout(name: string, value: unknown): number {
  if (typeof value !== 'number') throw invalidType(name, 'a number of milliseconds', value)
  if (value >= 0 && value <= MAX_TIMEOUT_MS) return value
  throw outOfRange(name, `a number of milliseconds from 0 to ${MAX_TIMEOUT_MS}`, value)
}

export function checkOptions<T extends object>(name: string, value: T): T {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value
  throw invalidType(name, 'an object', value)
}

export function checkBytes(name: string, value: unknown): Uint8Array {
  if (isBytes(value)) return value
  throw invalidType(name, 'a Uint8Array', value)
}

/** The longest time a timer takes; a longer one would fire at once. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1
