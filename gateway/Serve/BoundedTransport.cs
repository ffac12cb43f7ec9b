using System.IO.Pipelines;
using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;

namespace Settlement.Gateway.Serve;

/// <summary>
/// Sockets that are taken from the operating system's queue only while there are fewer than a bound, over all ports. The others wait there, which costs this process nothing.
/// </summary>
/// <remarks>A place is free again when the connection is disposed of, its descriptor with it. Each port may hold one place while it waits for its next connection.</remarks>
internal sealed class BoundedTransport(IConnectionListenerFactory transport, int connectionsMax) : IConnectionListenerFactory, IConnectionListenerFactorySelector, IDisposable
{
    private readonly SemaphoreSlim _places = new(connectionsMax);

    /// <summary>Puts the bound around the transport that is registered.</summary>
    public static void Bound(IServiceCollection services, int connectionsMax)
    {
        ServiceDescriptor registered = services.Last(service => service.ServiceType == typeof(IConnectionListenerFactory));
        services.Remove(registered);
        services.AddSingleton<IConnectionListenerFactory>(provider => new BoundedTransport(
            (IConnectionListenerFactory)ActivatorUtilities.CreateInstance(provider, registered.ImplementationType!), connectionsMax));
    }

    public bool CanBind(EndPoint endpoint) => transport is not IConnectionListenerFactorySelector selector || selector.CanBind(endpoint);

    public async ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default) =>
        new Listener(await transport.BindAsync(endpoint, cancellationToken).ConfigureAwait(false), _places);

    public void Dispose() => _places.Dispose();

    private static void Free(SemaphoreSlim places)
    {
        try
        {
            places.Release();
        }
        catch (ObjectDisposedException)
        {
            // A connection that outlived the server.
        }
    }

    private sealed class Listener(IConnectionListener listener, SemaphoreSlim places) : IConnectionListener
    {
        private readonly CancellationTokenSource _unbound = new();

        public EndPoint EndPoint => listener.EndPoint;

        public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
        {
            try
            {
                await places.WaitAsync(_unbound.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                return null; // what a listener says that is closed
            }

            ConnectionContext? accepted = null;
            try
            {
                accepted = await listener.AcceptAsync(cancellationToken).ConfigureAwait(false);
                return accepted is null ? null : new Placed(accepted, places);
            }
            finally
            {
                if (accepted is null)
                    Free(places);
            }
        }

        public async ValueTask UnbindAsync(CancellationToken cancellationToken = default)
        {
            await _unbound.CancelAsync().ConfigureAwait(false);
            await listener.UnbindAsync(cancellationToken).ConfigureAwait(false);
        }

        public async ValueTask DisposeAsync()
        {
            await _unbound.CancelAsync().ConfigureAwait(false);
            await listener.DisposeAsync().ConfigureAwait(false);
            _unbound.Dispose();
        }
    }

    /// <summary>A connection that gives its place back.</summary>
    private sealed class Placed(ConnectionContext connection, SemaphoreSlim places) : ConnectionContext
    {
        private int _isGivenBack; // interlocked

        public override string ConnectionId { get => connection.ConnectionId; set => connection.ConnectionId = value; }

        public override IFeatureCollection Features => connection.Features;

        public override IDictionary<object, object?> Items { get => connection.Items; set => connection.Items = value; }

        public override IDuplexPipe Transport { get => connection.Transport; set => connection.Transport = value; }

        public override CancellationToken ConnectionClosed { get => connection.ConnectionClosed; set => connection.ConnectionClosed = value; }

        public override EndPoint? LocalEndPoint { get => connection.LocalEndPoint; set => connection.LocalEndPoint = value; }

        public override EndPoint? RemoteEndPoint { get => connection.RemoteEndPoint; set => connection.RemoteEndPoint = value; }

        public override void Abort() => connection.Abort();

        public override void Abort(ConnectionAbortedException abortReason) => connection.Abort(abortReason);

        public override async ValueTask DisposeAsync()
        {
            try
            {
                await connection.DisposeAsync().ConfigureAwait(false);
                await base.DisposeAsync().ConfigureAwait(false);
            }
            finally
            {
                if (Interlocked.Exchange(ref _isGivenBack, 1) == 0)
                    Free(places);
            }
        }
    }
}
