import type { Page } from '../shell/page';
import { account } from './account';
import { chat } from './chat';
import { dashboard } from './dashboard';
import { map } from './map';
import { notifications } from './notifications';
import { register, signIn } from './sign-in';

/** Every page, in the order of the navigation. */
export const pages: readonly Page[] = [chat, map, notifications, dashboard, account, signIn, register];
