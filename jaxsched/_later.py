"""The public names that a schedule does not need: `jaxsched` loads all of them when one is asked for.

They are half of what there is to load. No factory of schedules is here: configurations and texts find
these among the names that `jaxsched` has from the start.
"""

from jaxsched._config.from_config import from_config as from_config
from jaxsched._config.horizon import Horizon as Horizon
from jaxsched._config.parse import parse as parse
from jaxsched._config.registry import register as register
from jaxsched._config.to_config import to_config as to_config
from jaxsched._optimizer.learning_rate import ScaleByLearningRateState as ScaleByLearningRateState
from jaxsched._optimizer.learning_rate import learning_rate as learning_rate
from jaxsched._optimizer.learning_rate import scale_by_learning_rate as scale_by_learning_rate
from jaxsched._optimizer.observe import PlateauReport as PlateauReport
from jaxsched._optimizer.observe import observe as observe
from jaxsched._optimizer.observe import plateau_report as plateau_report
from jaxsched._optimizer.placement import with_plateau as with_plateau
from jaxsched._optimizer.plateau import reduce_on_plateau as reduce_on_plateau
from jaxsched._optimizer.plateau_peers import plateau_from_keras as plateau_from_keras
from jaxsched._optimizer.plateau_peers import plateau_from_torch as plateau_from_torch
from jaxsched._optimizer.plateau_state import ReduceLROnPlateauState as ReduceLROnPlateauState
from jaxsched._optimizer.restore import restore_optax_state as restore_optax_state
from jaxsched._tools.diagnose import Diagnosis as Diagnosis
from jaxsched._tools.diagnose import diagnose as diagnose
from jaxsched._tools.finder import lr_range_test as lr_range_test
from jaxsched._tools.inspect import Inspection as Inspection
from jaxsched._tools.inspect import inspect as inspect
from jaxsched._tools.plot import plot as plot
from jaxsched._tools.range_test import RangeTest as RangeTest
from jaxsched._tools.terminal import sketch as sketch
