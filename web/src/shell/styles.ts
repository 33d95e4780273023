// Every style sheet of the shell, in the order of their layers. A page imports its own.

import '../ui/styles/layers.css';
import '../ui/styles/tokens.css';
import '../ui/styles/base.css';
import '../ui/styles/controls.css';
import '../ui/styles/feedback.css';
import './frame.css';
