import { dictionary } from '../../text/dictionary';

export const text = dictionary({
  en: {
    waiting: 'The figures come every five seconds. The first ones are on their way.',
    updated: (at: string) => `As of ${at}`,
  },
  ko: {
    waiting: '수치는 5초마다 들어옵니다. 첫 수치를 기다리는 중입니다.',
    updated: (at) => `${at} 기준`,
  },
});
