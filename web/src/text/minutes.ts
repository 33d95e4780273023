import { useEffect, useState } from 'preact/hooks';

/** Draws the component again now and then: "5 minutes ago" does not stay true. */
export function useMinutes() {
  const [, set] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => set(Date.now()), 20_000);
    return () => clearInterval(timer);
  }, []);
}
