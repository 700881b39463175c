"""Run a partitioned model for real: processes, packed frames, counted bytes.

`run` starts a process for each stage; `Pipeline` is one rank of a run that `torchrun` started; `serve` and `RemotePart`
put one stage elsewhere without a process group. `probe` measures link and machine, `advise` says which coding pays.
"""

from axonal.runtime.advise_measuring import Candidate
from axonal.runtime.advising import Advice, advise
from axonal.runtime.crossing import Crossing
from axonal.runtime.errors import PeerLost, PeerTimeout, Refused, RuntimeFault, Untrusted
from axonal.runtime.fitting import Fitted, fit
from axonal.runtime.host import HostLink, host_system
from axonal.runtime.outcomes import Outcome
from axonal.runtime.pipeline import Pipeline, PipelineSettings
from axonal.runtime.probing import Probe, probe
from axonal.runtime.remote import RemotePart
from axonal.runtime.running import Learning, RunSettings, run, work
from axonal.runtime.serving import serve
from axonal.runtime.serving_turns import ServeLimits
from axonal.runtime.stages import Stage, split
from axonal.runtime.tls import Credentials

__all__ = [
    "Advice",
    "Candidate",
    "Credentials",
    "Crossing",
    "Fitted",
    "HostLink",
    "Learning",
    "Outcome",
    "PeerLost",
    "PeerTimeout",
    "Pipeline",
    "PipelineSettings",
    "Probe",
    "Refused",
    "RemotePart",
    "RunSettings",
    "RuntimeFault",
    "ServeLimits",
    "Stage",
    "Untrusted",
    "advise",
    "fit",
    "host_system",
    "probe",
    "run",
    "serve",
    "split",
    "work",
]
