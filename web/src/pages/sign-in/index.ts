import type { Page } from '../../shell/page';

export const signIn: Page = {
  paths: ['/sign-in'],
  for: 'guests',
  load: async () => (await import('./page')).SignInPage,
};

export const register: Page = {
  paths: ['/register'],
  for: 'guests',
  load: async () => (await import('./page')).RegisterPage,
};
