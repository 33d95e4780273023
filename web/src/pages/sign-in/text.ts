import { dictionary } from '../../text/dictionary';
import { plural } from '../../text/format';

export const text = dictionary({
  en: {
    signIn: {
      title: 'Sign in',
      submit: 'Sign in',
      other: 'New here?',
      otherLink: 'Create an account',
    },
    register: {
      title: 'Create an account',
      submit: 'Create account',
      other: 'Already have an account?',
      otherLink: 'Sign in',
    },
    tagline: 'The magpie brings the news.',
    pitch: 'Conversations, places and news, live on every screen.',
    name: {
      label: 'Name',
      hint: 'Others see you under this name.',
      required: 'Enter your name.',
      taken: 'Somebody has that name already. Choose another one.',
      long: (max: number) => `At most ${plural(max, { one: '# character', other: '# characters' })}.`,
      short: (min: number) => `At least ${plural(min, { one: '# character', other: '# characters' })}.`,
    },
    password: {
      label: 'Password',
      required: 'Enter your password.',
      long: (max: number) => `At most ${plural(max, { one: '# character', other: '# characters' })}.`,
      short: (min: number) => `At least ${plural(min, { one: '# character', other: '# characters' })}.`,
      show: 'Show the password',
      hide: 'Hide the password',
    },
    wrong: 'The name or the password is not right.',
    tooOften: 'Too many tries.',
    wait: (time: string) => `You can try again in ${time}.`,
    expired: 'Your session has ended. Please sign in again.',
  },
  ko: {
    signIn: {
      title: '로그인',
      submit: '로그인',
      other: '처음이신가요?',
      otherLink: '계정 만들기',
    },
    register: {
      title: '계정 만들기',
      submit: '계정 만들기',
      other: '이미 계정이 있나요?',
      otherLink: '로그인',
    },
    tagline: '까치가 반가운 소식을 전합니다.',
    pitch: '대화와 위치와 소식을 모든 화면에서 실시간으로.',
    name: {
      label: '이름',
      hint: '다른 사람에게 이 이름으로 보입니다.',
      required: '이름을 입력해 주세요.',
      taken: '이미 쓰고 있는 이름입니다. 다른 이름을 골라 주세요.',
      long: (max) => `${max}자까지 쓸 수 있습니다.`,
      short: (min) => `${min}자 이상이어야 합니다.`,
    },
    password: {
      label: '비밀번호',
      required: '비밀번호를 입력해 주세요.',
      long: (max) => `${max}자까지 쓸 수 있습니다.`,
      short: (min) => `${min}자 이상이어야 합니다.`,
      show: '비밀번호 표시',
      hide: '비밀번호 숨기기',
    },
    wrong: '이름 또는 비밀번호가 올바르지 않습니다.',
    tooOften: '너무 여러 번 시도했습니다.',
    wait: (time) => `${time} 후에 다시 시도할 수 있습니다.`,
    expired: '로그인이 만료되었습니다. 다시 로그인해 주세요.',
  },
});
