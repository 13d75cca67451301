/** Wait until something holds. */
export async function until(holds) {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve));
}
