/** One at a time, in this process. */

const running = new Map<string, Promise<unknown>>();

/** Runs `step` when all earlier ones of the same name have ended, however they did. */
export async function exclusively<T>(name: string, step: () => Promise<T>): Promise<T> {
  const earlier = running.get(name) ?? Promise.resolve();
  const mine = earlier.then(step, step);
  running.set(name, mine);
  try {
    return await mine;
  } finally {
    if (running.get(name) === mine) running.delete(name);
  }
}
