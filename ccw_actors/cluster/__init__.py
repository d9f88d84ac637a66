"""Explorations in several processes: on one computer, or on a cluster."""

from ccw_actors.cluster._dask import ClusterExecutor as ClusterExecutor
from ccw_actors.cluster._errors import CallLostError as CallLostError
from ccw_actors.cluster._errors import ClusterError as ClusterError
from ccw_actors.cluster._errors import ShareLostError as ShareLostError
from ccw_actors.cluster._kept import KeptExecutor as KeptExecutor
from ccw_actors.cluster._package import package_name as package_name
from ccw_actors.cluster._shares import explore_in_shares as explore_in_shares
from ccw_actors.cluster._shares import share_executor as share_executor

__all__ = [
    "CallLostError",
    "ClusterError",
    "ClusterExecutor",
    "KeptExecutor",
    "ShareLostError",
    "explore_in_shares",
    "package_name",
    "share_executor",
]
